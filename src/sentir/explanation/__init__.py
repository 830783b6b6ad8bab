"""Why a recognizer answers as it does: words, times and frequencies, numbers, and what it loses without them."""
