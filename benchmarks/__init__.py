"""What the generated project costs, side by side with what people would use instead."""
