/* Damage for clean pictures, so that restoration needs no pairs on disk.
 *
 * A specification is a string:
 *
 *   choice = chain { "|" chain }      one of them, each equally likely
 *   chain  = step { "+" step }        one after the other
 *   step   = name [ ":" range ]  |  "(" choice ")"
 *   range  = number [ "-" number ]    drawn uniformly a picture; one number is
 *                                     a fixed strength
 *   of motion, "/" number may follow: straight lines of so many directions
 *   (1-64) only, the first across
 *
 *   noise     0-100  Gaussian, independent a channel; sigma in 8-bit units
 *   sensor    0-100  Gaussian, sigma growing with the light as in a camera:
 *                    sigma(v) = range * sqrt (0.1 + 0.9 v)
 *   salt      0-1    share of pixels turned black or white
 *   gaussian  0-10   blur, sigma in pixels
 *   motion    0-64   blur by camera shake: length in pixels along an
 *                    anti-aliased, slightly bent line at any angle
 *   jpeg      1-100  traces of JPEG at that quality: the standard tables,
 *                    scaled as libjpeg does; chroma halved (4:2:0) in half of
 *                    the pictures under quality 90
 *   grey             colours to luma (Rec. 709)
 *   none             nothing
 *
 * "(gaussian:0-2|motion:0-15)+noise:0-25+jpeg:30-95" is a worn photograph,
 * "motion:9/2" what learning to undo camera shake may begin with.
 * Without a range, a step has the usual one (noise:0-50, sensor:0-50,
 * salt:0-0.4, gaussian:0-3, motion:0-21, jpeg:10-90).
 *
 * After every step values are clamped to [0, 1], as a camera or a file would;
 * after jpeg they are also rounded to 8 bits.  Everything drawn comes from the
 * AtlRandom given, so equal states give equal pictures.
 */

#pragma once

#include "base/error.h"
#include "base/random.h"

G_BEGIN_DECLS

typedef struct _AtlCorrupt AtlCorrupt;

/* NULL with ATELIER_ERROR_ARGUMENT that says what is wrong and allowed. */
AtlCorrupt *atl_corrupt_parse (const char *text, GError **error);
void atl_corrupt_free (AtlCorrupt *corrupt);
/* The specification in full, ranges included; what a card should say. */
char *atl_corrupt_to_string (const AtlCorrupt *corrupt);
/* Pixels around a patch that the damage may reach across: corrupt the patch
 * with so many more on each side, then cut them off. */
int atl_corrupt_margin (const AtlCorrupt *corrupt);

/* Damages pixels in place: height x width x channels (1 or 3), dense, perceptual
 * values in [0, 1].  Thread-safe.  FALSE with ATELIER_ERROR_MEMORY. */
gboolean atl_corrupt_apply (const AtlCorrupt *corrupt, AtlRandom *random, int width,
                            int height, int channels, float *pixels,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AtlCorrupt, atl_corrupt_free)

G_END_DECLS
