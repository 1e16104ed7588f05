#include "CVocabulary.h"

// C23's #embed keeps half a megabyte of text out of the compiler's parser and needs no file at run time.
#pragma clang diagnostic ignored "-Wc23-extensions"
static const char clip_merges[] = {
#embed "clip_merges.txt"
};
const char *watchword_clip_merges(size_t *size) {
    *size = sizeof clip_merges;
    return clip_merges;
}

static const char html_entities[] = {
#embed "html_entities.txt"
};
const char *watchword_html_entities(size_t *size) {
    *size = sizeof html_entities;
    return html_entities;
}
