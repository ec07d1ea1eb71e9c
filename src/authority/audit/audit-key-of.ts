import { readAuditKey, type AuditKey } from '../../domain/audit/statement.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { StatementSigner } from '../../ports/audit/statement-signer.ts';

/** @returns what heads are verified with. @throws AuthorityError CAP-X03 for what is no key of heads; as `StatementSigner.publicKey`. */
export async function auditKeyOf(
  signer: Pick<StatementSigner, 'publicKey'>,
  options: { readonly signal: AbortSignal },
): Promise<AuditKey> {
  const key = readAuditKey(await signer.publicKey(options));
  if ('problem' in key) throw new AuthorityError('CAP-X03', { detail: key.problem });
  return key;
}
