#include "watchword_head.h"
