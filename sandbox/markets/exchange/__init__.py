"""Makes the messages of the exchange's streams: schemas, what happens, what goes wrong on the way, and the bytes."""
