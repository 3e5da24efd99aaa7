# Shared by the recipes of data/recipes, each of which is one command:
#
#   data/recipes/NAME
#
# fetches the pictures, trains, puts the model into data/models and measures it.
# Run inside tests/environment/run, or where GIMP, apt-get, Pillow, NumPy and the
# command `atelier` are at hand.  ATELIER is the command, ATELIER_WORK the folder
# of what is unfinished (default: ~/.cache/atelier/recipes), THREADS how many
# processors to use.  An interrupted recipe goes on where it stopped.  The same
# seed gives the same bits on the same kind of CPU.
set -eu

recipes=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$0")
project=$(cd "$recipes/../.." && pwd)
atelier=${ATELIER:-atelier}
work=${ATELIER_WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/atelier/recipes}
model=$work/$name.safetensors
mkdir -p "$work" "$project/data/models"

fetch ()
{
  "$recipes/fetch" "$1"
}

# prepare SCRIPT SET: pairs made of a set of pictures, once.
prepare ()
{
  source=$(fetch "$2")
  if [ ! -d "$source-pairs" ]; then
    rm -rf "$source-pairs.part"
    "$recipes/$1" "$source" "$source-pairs.part" >&2
    mv "$source-pairs.part" "$source-pairs"
  fi
  echo "$source-pairs"
}

# artistic STYLE: pairs of photographs with clear shapes, the middle 448 pixels of
# each, and targets by GIMP's filters, once.
artistic ()
{
  source=$(fetch photos)
  pairs=$work/$1-pairs
  if [ ! -d "$pairs" ]; then
    rm -rf "$pairs.part"
    mkdir -p "$pairs.part/A"
    for picture in "$source"/budgie-* "$source"/lomiri-* "$source"/twentytwentyfour-* \
      "$source"/gcompris-monuments-*; do
      convert "$picture" -gravity center -crop 448x448+0+0 +repage \
        "PNG24:$pairs.part/A/$(basename "$picture")"
    done
    "$recipes/make-targets" "$1" "$pairs.part/A" "$pairs.part/B" >&2
    mv "$pairs.part" "$pairs"
  fi
  echo "$pairs"
}

# train KIND FOLDER OPTION...
train ()
{
  resume=
  [ ! -e "${model%.safetensors}.checkpoint" ] || resume=--resume
  # shellcheck disable=SC2086
  "$atelier" train "$@" $resume -o "$model" --seed 1 --set name="$name" \
    ${THREADS:+--threads "$THREADS"}
}

# stage NUMBER DAMAGE STEPS OPTION...: of a training by damage in several stages,
# each of which goes on from the one before; $from is what the first starts from.
stage ()
{
  model=$work/$name-$1.safetensors
  damage=$2
  steps=$3
  shift 3
  # shellcheck disable=SC2086
  train pix2pix "$photos" $restoration --corrupt "$damage" --steps "$steps" \
    --set clip=1.5 --set lr=0.0008 --set keep=last --set from="$from" "$@"
  from=$model
}

# publish [PICTURE [DAMAGED]]: halves, card, and a thumbnail of what the model
# makes of a picture.
publish ()
{
  if [ $# -gt 0 ]; then
    "$atelier" translate -m "$model" -o "$work/$name-after.png" "$1"
    set -- --sample "$1" "$work/$name-after.png"
  fi
  "$recipes/publish" "$model" "$recipes/cards/$name.json" \
    "$project/data/models/$name.safetensors" "$@"
}

measure ()
{
  ATELIER=$atelier "$project/tests/quality/run" --only "$name"
}

# A residual U-Net, and what all restoration models share.
restoration='--arch drunet --set residual=yes --set gan_weight=0 --set lr=0.0006
  --set beta1=0.9 --set beta2=0.99 --set schedule=cosine --set warmup=200
  --set ema=0.999 --set turns=yes --set measure_pairs=20'
# What all VQ-VAEs share.
codec='--set downsample=8 --set patch=4 --set residual_blocks=2 --set decoder_blocks=3
  --set outer_blocks=1 --set codes=512 --set code_dim=32 --set upsample=shuffle
  --set linear_skip=yes --set zero_code=yes --set lr=0.002 --set weight_decay=0.01
  --set schedule=cosine --set warmup=200 --set unquantised=60'
