// How a list of decisions is found without an index by identity and time, which every append would pay for: what such
// an index costs is in docs/decisions/0031.

/**
 * Decisions of an identity from which on they are looked for among the newest of all first. Fewer are put in order within
 * some milliseconds.
 */
export const MANY = 20_000;
/** How many of the newest are looked through then, also within some milliseconds. */
export const NEWEST = 10_000;
