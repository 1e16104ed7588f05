#ifndef WATCHWORD_CKERNELS_H
#define WATCHWORD_CKERNELS_H
#include "activations.h"
#include "attention.h"
#include "head_kernels.h"
#include "health.h"
#include "history_rows.h"
#include "memory_read.h"
#include "panel_product.h"
#include "parallel.h"
#include "preview.h"
#include "resample.h"
#include "score_index.h"
#include "signature.h"
#include "training_kernels.h"
#include "transformer_kernels.h"
#endif
