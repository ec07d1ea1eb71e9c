// How the journal is proven: heads of its chains are signed by a key of their own, kept beside the journal and by witnesses, and the
// ends of exports are signed by the same. It imports much because a key of any custody is one of its parts.
import { hostname } from 'node:os';
import type { AuditParts, AuditStatus } from '../../../adapters/http/admin/records/administer-audit.ts';
import { DocumentKey } from '../../../adapters/issuers/documents/document-key.ts';
import { relayedPinTurns } from '../../../adapters/processes/relays/pin-turns.ts';
import { FileWitness } from '../../../adapters/witness/file-witness.ts';
import { HttpsWitness } from '../../../adapters/witness/https-witness.ts';
import { ExportEnds, type ExportEndParts } from '../../../authority/audit/export-ends.ts';
import { HeadContinuity } from '../../../authority/audit/head-continuity.ts';
import { AuditHeadMaker, type AuditHeadsParts } from '../../../authority/chores/audit-heads.ts';
import type { Config } from '../../../config/schema.ts';
import type { HeadWitness } from '../../../ports/audit/audit-heads.ts';
import type { StatementSigner } from '../../../ports/audit/statement-signer.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import { keyDocuments } from '../trust/custody/issuer-documents.ts';
import { composeOpeners } from '../trust/issuers.ts';

type Proven = Pick<Storage, 'proof' | 'lease' | 'journal'>;

const UNSIGNED =
  'the journal is a chain that nobody signs: who can write it can change it unseen; name a key of heads (audit.keyFile, audit.pkcs11 or audit.transit)';

export function composeAudit(config: Config, foundation: Foundation, { proof, lease, journal }: Proven): AuditParts {
  const { clock, running: signal, worker } = foundation;
  const signer = composeSigner(config, foundation);
  if (signer === undefined) {
    // Of several workers one says so.
    if (worker === undefined || worker.slot === 1) sayUnsigned(foundation);
    return {
      status: async () => statusOf(proof, {}, { signal }),
      accept: async () => ({ problem: UNSIGNED }),
      signEnd: async () => ({ unsigned: UNSIGNED }),
    };
  }
  const maker = proof.isMadeHere ? composeHeads(config, foundation, { ...proof, lease, journal }, signer) : undefined;
  const retentionMs = config.journal.retention;
  const parts = { chains: proof.chains, heads: proof.heads, signer, journal, clock, witnesses: witnessesOf(config) };
  const differs: ExportEndParts['differs'] = async (options) =>
    maker?.differs(options) ??
    new HeadContinuity(parts, { everyMs: config.audit.headEvery, retentionMs, maker: serverOf(config) }).problem(
      options,
    );
  const ends = new ExportEnds({ ...parts, differs }, { ...serverOf(config), retentionMs });
  return {
    status: async () => statusOf(proof, { signer, maker }, { signal }),
    accept: async (by) => maker?.accept(by, { signal }) ?? { problem: 'another process makes heads' },
    signEnd: async (asked, by) => ends.sign(asked, by, { signal }),
  };
}

/** Once, and by a number that rises. */
function sayUnsigned({ clock, events, startUp, telemetry }: Foundation): void {
  const startedMs = clock.monotonicMs();
  telemetry.observeAudit({ unsignedMs: () => clock.monotonicMs() - startedMs, unwitnessed: () => undefined });
  startUp.at('storage', () => events.auditWarning({ problem: UNSIGNED }));
}

async function statusOf(
  proof: Proven['proof'],
  { signer, maker }: { readonly signer?: StatementSigner; readonly maker?: AuditHeadMaker | undefined },
  options: { readonly signal: AbortSignal },
): Promise<AuditStatus> {
  const [head] = await proof.heads.lastHeads(1, options);
  return {
    ...(signer !== undefined && { publicKey: await signer.publicKey(options) }),
    ...(head !== undefined && { head: { timeMs: head.timeMs, digest: head.digest } }),
    ...(maker?.problem !== undefined && { problem: maker.problem }),
  };
}

function composeHeads(
  config: Config,
  { events, clock, health, telemetry, startUp, lifecycle, running: signal }: Foundation,
  stored: Pick<AuditHeadsParts, 'chains' | 'heads' | 'lease' | 'journal'>,
  signer: StatementSigner,
): AuditHeadMaker {
  const parts = { ...stored, signer, witnesses: witnessesOf(config), clock, events };
  const settings = {
    maker: serverOf(config),
    everyMs: config.audit.headEvery,
    retentionMs: config.journal.retention,
  };
  const maker = new AuditHeadMaker(parts, settings);
  telemetry.observeAudit({ unsignedMs: () => maker.unsignedMs, unwitnessed: () => maker.unwitnessed });
  health.report('audit heads', () => degradedBy(maker.problem));
  let running: Promise<void> | undefined;
  startUp.at('storage', () => {
    running = maker.run({ signal }).catch((cause: unknown) => events.unexpected({ where: 'audit heads', cause }));
  });
  lifecycle.at('flush', 'last head of the journal', async () => {
    if (running === undefined) return;
    await running;
    await maker.finish(new AbortController());
  });
  return maker;
}

function serverOf({ trustDomain, cluster }: Config) {
  return { trustDomain, cluster: cluster.id, server: hostname() };
}

/** @returns nothing where no key is configured. */
function composeSigner({ audit }: Config, foundation: Foundation): StatementSigner | undefined {
  const { keyFile, pkcs11, transit } = audit;
  if (keyFile === undefined && pkcs11 === undefined && transit === undefined) return undefined;
  const { clock, events, files, lifecycle, startUp, running: signal, worker } = foundation;
  // Open until the last head is signed.
  const until = new AbortController();
  lifecycle.at('flush', 'key of heads', () => until.abort());
  const pinTurns = worker && relayedPinTurns(worker.link, clock);
  const key = new DocumentKey({
    documents: keyDocuments(audit, files),
    opener: composeOpeners({ clock, until: until.signal, pinTurns })(audit),
    warn: (problem) => events.auditWarning({ problem: `the key of heads: ${problem}` }),
  });
  startUp.at('storage', () => key.follow({ signal }));
  return key;
}

function witnessesOf({ audit: { witness } }: Config): readonly HeadWitness[] {
  const { file, url, caFile, tokenFile } = witness;
  return [
    ...(file === undefined ? [] : [new FileWitness(file)]),
    ...(url === undefined ? [] : [new HttpsWitness({ url, caFile, tokenFile })]),
  ];
}
