/* A small picture of a .vqi file, without decoding all of it. */

#pragma once

#include "codec/vqi.h"

G_BEGIN_DECLS

/* 8 bits, no side longer than `size` (or the picture's own); with alpha where
 * the file has it.  Of a large picture every n-th code in each direction is
 * decoded as if they were neighbours, and what each becomes is averaged: a
 * second or two for 24 megapixels.  Errors as atl_vqi_decode. */
AtlPicture *atl_vqi_thumbnail (const AtlVqi *vqi, AtlModel *model, AtlPool *pool,
                               int size, const AtlProgress *progress,
                               GError **error);

G_END_DECLS
