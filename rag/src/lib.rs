//! Retrieval and answering: split, embed, index, retrieve, prompt, generate, quote, cite.
