//! The transformer on candle: tokenizer, forward pass, gradients, kernels
