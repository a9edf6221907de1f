"""The tone set: pictures and recordings of which the tone of voice decides the match, and what models make of it."""
