"""How rows are cut into steps, and numbers modulo p into limbs."""

STEP = 32
# A number modulo p is cut into limbs: of 26 bits against int32, of 13 bits against bytes.
WIDE, NARROW = 26, 13
WIDE_LIMBS, NARROW_LIMBS = 2, 4
# A lane of 64 bits adds STEP / 4 products of 31 + 26 bits in a step: 64 fit.
WIDE_STEPS = 8
# A lane of 32 bits adds STEP / 8 products of 8 + 13 bits in a step: 2048 fit.
NARROW_STEPS = 512
# Weights that are added at once, and how many sums stay in a core's first cache meanwhile.
EIGHT, BLOCK = 8, 1024
# What a part leaves, as int64: a limb's four sums of lower halves and four of upper ones.
WIDE_SUMS = 8 * WIDE_LIMBS
# The same against bytes: four sums for each limb.
NARROW_SUMS = 4 * NARROW_LIMBS
