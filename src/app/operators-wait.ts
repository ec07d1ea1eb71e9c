// How long who asks for an act of an operator waits, from the outside in: each waits longer than who answers it, so that the
// operator hears of what went wrong from who knows most. The command line waits 10 s (`cli/administration.ts`), and a worker
// for a ledger's file 5 s (`adapters/processes/relays/ledger.ts`).

/** A worker, for the supervisor's answer to who showed a client certificate, in ms. */
export const SUPERVISOR_ANSWERS_WITHIN_MS = 9_000;
/** The supervisor, for the worker that answers, in ms. Of one that stands still it hears sooner: it is replaced. */
export const WORKER_ANSWERS_WITHIN_MS = 8_000;
