"""Search indexes of every layout, damaged in every way, found and made anew."""
