/** What a report says in place of a rule, where none was needed. */

/** An end that is not one of ours. */
export const notOurs = "no policy of these sites";
/** An end of ours that nothing closes. */
export const openByDefault = "nothing is denied by default";
