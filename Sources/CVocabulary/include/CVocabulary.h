#ifndef WATCHWORD_CVOCABULARY_H
#define WATCHWORD_CVOCABULARY_H
#include <stddef.h>

/// The 48,894 merges of CLIP's byte-level BPE, one "left right" a line, UTF-8, lowest rank first.
/// Source: openai/CLIP, bpe_simple_vocab_16e6.txt, lines 2 to 48,895 (MIT licence).
const char *watchword_clip_merges(size_t *size);

/// HTML's named character references, one a line: the name without `&`, with `;` where it needs one, and its code points
/// in hexadecimal. Source: the HTML standard's table, in Python's `html.entities.html5`.
const char *watchword_html_entities(size_t *size);
#endif
