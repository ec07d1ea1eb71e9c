// The thread in which a server looks for rogue CAs: megabytes are searched and thousands of signatures checked, and none of that
// passes on the event loop on which certificates are issued.
import { parentPort, workerData } from 'node:worker_threads';
import { processEnvironment } from '../../config/environment.ts';
import { NEVER } from '../../live/abortable.ts';
import { lookThroughEstate, type AskedLook } from './estate-look.ts';
import type { LookAnswer } from './look-in-thread.ts';

const answer = await lookThroughEstate(workerData as AskedLook, processEnvironment(), { signal: NEVER }).then(
  (look): LookAnswer => ({ json: JSON.stringify(look) }),
  (cause: unknown): LookAnswer => ({ problem: cause instanceof Error ? cause.message : String(cause) }),
);
parentPort?.postMessage(answer);
