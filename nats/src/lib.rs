//! Subjects, streams and the envelope: everything said over NATS.
