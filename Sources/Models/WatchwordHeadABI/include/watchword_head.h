/// Watchword head plugins: the whole contract, in plain C (C11, and C++).
///
/// A head turns a window of CLIP frame embeddings into one clip embedding (a pooling head), or scores texts and windows
/// together (a pairing head), as the similarity calculators of CLIP4Clip do (Luo et al. 2021, section 3.3).
///
/// A plugin is a shared library `libwatchword-head-NAME.so` that exports exactly one function,
///
///     const watchword_head *watchword_head_entry(void);
///
/// which returns a descriptor with static lifetime. NAME matches [a-z][a-z0-9-]* and equals the descriptor's name.
///
/// Rules, for every function below:
/// - Memory is lent for the call: the plugin keeps no pointer it was given, and none changes owner. Only the instance
///   that `create` makes lives on, until `destroy`.
/// - It returns a status and never throws, exits, or lets a foreign exception out. With a status other than WW_OK it
///   writes a NUL-terminated reason into `why` (`why_size` bytes, at least 256), meant for a person.
/// - Its thread is named: [compute-thread] means the host's one compute thread, never two calls at once for all heads
///   of the process; [any-thread] means any thread at any time.
/// - All arrays are row-major, dense, float32. B = windows in the batch, T = frames a window, d = embedding width,
///   Q = texts, P = (text, window) pairs.
///
/// A plugin opens no files and makes no network connections: weights come from the host as named tensors.
///
/// Versioning: the layout of every struct is frozen within a major version. A host loads a plugin whose major equals
/// its own and whose struct_size is at least that of this header; growth happens through `get_extension`, and
/// abi_minor counts the extensions a header knows.
#ifndef WATCHWORD_HEAD_H
#define WATCHWORD_HEAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WW_HEAD_MAGIC 0x44485757u /* "WWHD" in little-endian memory */
#define WW_HEAD_ABI_MAJOR 1u
#define WW_HEAD_ABI_MINOR 0u
#define WW_HEAD_ENTRY "watchword_head_entry"

/// The result of a call. Values other than WW_OK tell the host what to report and whether to go on.
typedef enum ww_status {
    WW_OK = 0,
    WW_BAD_WEIGHTS = 1,  ///< a tensor is missing or has a wrong shape; the model cannot be used with this head
    WW_BAD_CONFIG = 2,   ///< config_json has a wrong value
    WW_BAD_SHAPE = 3,    ///< B, T or d is outside of what the instance was made for
    WW_NO_MEMORY = 4,
    WW_FAILED = 5  ///< anything else; `why` says what
} ww_status;

/// A named weight, lent by the host. `shape` has `rank` entries; a scalar has rank 0 and one value.
typedef struct ww_tensor {
    const char *name;  ///< as in the checkpoint, e.g. "transformerClip.resblocks.0.ln_1.weight"
    const int64_t *shape;
    const float *data;
    uint32_t rank;
    uint32_t reserved;  ///< zero
} ww_tensor;

/// A head's descriptor.
typedef struct watchword_head {
    // The first four are read before anything else, and stand at the same place in every version.
    uint32_t magic;        ///< WW_HEAD_MAGIC
    uint32_t abi_major;    ///< WW_HEAD_ABI_MAJOR
    uint32_t abi_minor;    ///< WW_HEAD_ABI_MINOR
    uint32_t struct_size;  ///< sizeof(watchword_head)

    const char *name;         ///< "mean"
    const char *version;      ///< of the plugin itself, e.g. "1.0.0"
    const char *description;  ///< one sentence

    /// Makes an instance for embeddings of width `d` and windows of at most `max_frames` frames. [compute-thread]
    ///
    /// `tensors` are all weights of the model's head (every tensor of the checkpoint outside of the CLIP towers);
    /// a head takes the names it knows and ignores the others. `config_json` is a JSON object, "{}" if there is
    /// nothing to say; keys a head does not know are ignored. On failure `*instance` is left alone.
    ww_status (*create)(int32_t d, int32_t max_frames, const ww_tensor *tensors, size_t tensor_count,
                        const char *config_json, void **instance, char *why, size_t why_size);

    /// Frees an instance. [compute-thread]
    void (*destroy)(void *instance);

    /// Pools windows into clip embeddings. [compute-thread]
    ///
    /// frames (B, T, d): frame embeddings as the image tower gives them, NOT normalised. mask (B, T): 1 for a frame,
    /// 0 for padding; a window's frames form a prefix, and padded rows may hold anything, NaN included. out (B, d):
    /// clip embeddings of length 1. A window without any frame is WW_BAD_SHAPE. NULL in a head that only pairs.
    ww_status (*pool)(void *instance, const float *frames, const uint8_t *mask, int32_t B, int32_t T, float *out,
                      char *why, size_t why_size);

    /// Returns the struct for an extension id, with static lifetime, or NULL if the head does not have it. NULL
    /// itself if the head has no extensions. [any-thread]
    const void *(*get_extension)(const char *extension_id);
} watchword_head;

/// Extension: the head scores texts and windows together (CLIP4Clip's tight similarity).
#define WW_EXT_PAIRING "watchword.pairing/1"
typedef struct ww_pairing {
    uint32_t struct_size;  ///< sizeof(ww_pairing)
    uint32_t reserved;     ///< zero

    /// Scores P pairs. [compute-thread]
    ///
    /// texts (Q, d): text embeddings as the text tower gives them, not normalised. frames (B, T, d) and mask (B, T) as
    /// for `pool`. Pair p joins texts[pair_text[p]] with window pair_window[p]. out (P): raw scores: logits, unless
    /// WW_EXT_SCORE_KIND says otherwise.
    ww_status (*score)(void *instance, const float *texts, int32_t Q, const float *frames, const uint8_t *mask,
                       int32_t B, int32_t T, const int32_t *pair_text, const int32_t *pair_window, size_t P, float *out,
                       char *why, size_t why_size);
} ww_pairing;

/// Extension: the kind of scores that a pairing head gives. Without it they are logits.
#define WW_EXT_SCORE_KIND "watchword.score-kind/1"
#define WW_SCORE_LOGITS 0u   ///< without bounds; a softmax takes them as they are
#define WW_SCORE_COSINES 1u  ///< -1 to 1; the model's logit scale makes logits of them
typedef struct ww_score_kind {
    uint32_t struct_size;  ///< sizeof(ww_score_kind)
    uint32_t kind;         ///< WW_SCORE_LOGITS or WW_SCORE_COSINES
} ww_score_kind;

/// The type of the one exported function, WW_HEAD_ENTRY. [any-thread]
typedef const watchword_head *(*watchword_head_entry_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
