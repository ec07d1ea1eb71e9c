import type { StatedRetention } from '../../domain/audit/kept-since.ts';
import { lastNamed, type StoredHead } from '../../domain/audit/last-named.ts';
import { readAuditKey } from '../../domain/audit/statement.ts';
import type { StatementSigner } from '../../ports/audit/statement-signer.ts';

/**
 * @param newest head of the store, if it has one.
 * @returns what it states of retention; nothing of one that states none, or that is not signed by the key of heads.
 * @throws as `StatementSigner.publicKey`.
 */
export async function signedRetention(
  newest: StoredHead | undefined,
  signer: Pick<StatementSigner, 'publicKey'>,
  options: { readonly signal: AbortSignal },
): Promise<Partial<StatedRetention>> {
  if (newest === undefined) return {};
  const key = readAuditKey(await signer.publicKey(options));
  if ('problem' in key) return {};
  const last = lastNamed([newest], key);
  return 'problem' in last ? {} : (last.retention ?? {});
}
