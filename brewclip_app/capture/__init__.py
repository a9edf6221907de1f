"""Input devices: microphone, loudspeaker, push-to-talk, dropped and pasted files."""
