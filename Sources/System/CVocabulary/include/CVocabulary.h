#ifndef WATCHWORD_CVOCABULARY_H
#define WATCHWORD_CVOCABULARY_H
#include <stddef.h>

/// The 48,894 merges of CLIP's byte-level BPE, one "left right" a line, UTF-8, lowest rank first.
/// Source: openai/CLIP, bpe_simple_vocab_16e6.txt, lines 2 to 48,895 (MIT licence).
extern const char watchword_clip_merges[];
extern const size_t watchword_clip_merges_size;

/// The first byte of the merges, since Swift does not import an array of unknown size. [any-thread]
static inline const char *watchword_clip_merges_bytes(void) { return watchword_clip_merges; }
#endif
