// A process of its own: signs a certificate's bytes again and again, by a key of its own or by one that a process it forks
// holds. Arguments: `own` or `relayed`, file of the key, warm-up and window (seconds). Prints {"microseconds": N} of CPU
// for one signature, of both processes.
import { readFileSync } from 'node:fs';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { pemSignerOpener } from '../../../src/adapters/issuers/memory/pem-signer-opener.ts';
import { ipcChannel } from '../../../src/adapters/processes/ipc-channel.ts';
import { MessageLink } from '../../../src/adapters/processes/message-link.ts';
import { relayedSignerOpener, SharedSigners } from '../../../src/adapters/processes/relays/signer.ts';
import { forkWorker } from '../../../src/adapters/processes/worker-process.ts';
import type { Link } from '../../../src/adapters/processes/link.ts';
import type { OpenedKey, SignerOpener } from '../../../src/ports/issuing/signer-opener.ts';

const [where = '', keyFile = '', warmUp = '', window = ''] = process.argv.slice(2);
const signal = AbortSignal.timeout(3_600_000);
const clock = new SystemClock();
const onFailure = (topic: string, cause: unknown): never => {
  throw new Error(`${topic} failed`, { cause });
};
/** As many as a busy server has under way. */
const TOGETHER = 32;
/** The bytes of a leaf with SPIFFE ID and key identifiers, about. */
const TBS = Buffer.alloc(500, 0x5a);

if (where === 'holder') hold();
else await measure();

/** The far end of `relayed`: as the supervisor, though here it is the one that is forked. */
function hold(): void {
  const link = new MessageLink({ clock, channel: ipcChannel(process), onFailure });
  const pem = readFileSync(keyFile, 'utf8');
  const byName: SignerOpener = {
    custody: 'file',
    open: async (_name, options) => pemSignerOpener.open({ text: pem }, options),
  };
  new SharedSigners(byName).attach(link);
  link.serve('cpu', () => spent(process.cpuUsage()));
  link.closed.addEventListener('abort', () => process.exit(0));
}

async function measure(): Promise<void> {
  const holder = where === 'relayed' ? forked() : undefined;
  const key =
    holder === undefined
      ? await opened(pemSignerOpener, readFileSync(keyFile, 'utf8'))
      : await opened(relayedSignerOpener(holder.link, { custody: 'file' }), 'the key');
  await costOf(key, holder?.link, Number(warmUp));
  console.log(JSON.stringify({ microseconds: await costOf(key, holder?.link, Number(window)) }));
  holder?.kill();
}

function forked() {
  const argv = ['holder', keyFile];
  return forkWorker({ clock, onFailure }, { entry: new URL(import.meta.url), argv });
}

async function opened(opener: SignerOpener, document: string): Promise<OpenedKey> {
  const key = await opener.open({ text: document }, { signal });
  if ('problem' in key) throw new Error(key.problem);
  return key;
}

async function costOf(key: OpenedKey, holder: Link | undefined, seconds: number): Promise<number> {
  const signer = key.signerFor('ecdsa-p256-sha256');
  const endMs = performance.now() + seconds * 1000;
  const before = await cpuOf(holder);
  let signed = 0;
  while (performance.now() < endMs) {
    await Promise.all(Array.from({ length: TOGETHER }, async () => signer.sign(TBS, { signal })));
    signed += TOGETHER;
  }
  return ((await cpuOf(holder)) - before) / signed;
}

async function cpuOf(holder: Link | undefined): Promise<number> {
  const theirs = holder === undefined ? 0 : Number(await holder.ask('cpu', null, { signal }));
  return theirs + spent(process.cpuUsage());
}

/** In microseconds, of all threads. */
function spent({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}
