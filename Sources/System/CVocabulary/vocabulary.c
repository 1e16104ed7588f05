#include "CVocabulary.h"

// C23's #embed keeps half a megabyte of text out of the compiler's parser and needs no file at run time.
#pragma clang diagnostic ignored "-Wc23-extensions"
const char watchword_clip_merges[] = {
#embed "clip_merges.txt"
};
const size_t watchword_clip_merges_size = sizeof(watchword_clip_merges);
