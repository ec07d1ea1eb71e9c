// What can be wrong with a PostgreSQL, in words for an operator, and what it means for a statement: whether it was done,
// was not, or nobody knows. Nothing that a statement carries is repeated, nor a password.
import { codeOf } from '../../../../domain/text/system-error.ts';
import { AuthorityError } from '../../../../domain/errors.ts';

/**
 * `unreachable`: there is no connection, and nothing was sent. `lost`: it was sent, and may have been done or may yet be.
 * `read-only`: this host takes no writes, another one may. `refused`: the database said no, and did nothing.
 * `misconfigured`: as `refused`, until an operator changes the configuration or the database.
 */
export type ProblemKind = 'unreachable' | 'lost' | 'read-only' | 'refused' | 'misconfigured';

export class PostgresProblem extends Error {
  readonly kind: ProblemKind;

  /** @param message names the database and says what to do. */
  constructor(kind: ProblemKind, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'PostgresProblem';
    this.kind = kind;
  }

  /** Whether the same statement may find a better answer by another connection, at once. */
  get passing(): boolean {
    return this.kind === 'unreachable' || this.kind === 'lost' || this.kind === 'read-only';
  }

  /** For somebody who wanted to begin with the database. */
  toOpeningError(): AuthorityError {
    const reason = this.kind === 'misconfigured' ? 'CAP-X03' : 'CAP-S04';
    return new AuthorityError(reason, { detail: this.message, cause: this });
  }
}

/** @returns the problem that an error of the pool is about; nothing for any other error. */
export function problemBehind(error: unknown): PostgresProblem | undefined {
  if (error instanceof PostgresProblem) return error;
  return error instanceof AuthorityError && error.cause instanceof PostgresProblem ? error.cause : undefined;
}

/** By SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html), or by its class, the first two characters. */
const SQLSTATES: Readonly<Record<string, readonly [ProblemKind, string]>> = {
  '08': ['lost', 'broke off the connection'],
  '25006': ['read-only', 'takes no writes: it is a standby, or set to read only'],
  '28': ['misconfigured', 'does not let this user in: look at its pg_hba.conf and at journal.postgres.passwordFile'],
  '3D000': ['misconfigured', 'has no such database'],
  '3F000': [
    'misconfigured',
    'has no schema to keep the tables in: look at the search_path of the user and the database',
  ],
  '42501': ['misconfigured', 'does not allow it to this user, who has to own the tables'],
  '42P01': ['misconfigured', 'has lost a table of the journal'],
  '53100': ['refused', 'cannot grow: its disk is full'],
  '53300': ['unreachable', 'has no connection left: raise its max_connections'],
  '53': ['refused', 'has too few resources'],
  '55P03': ['refused', 'waited too long for a lock that another session holds'],
  '57014': ['refused', 'took longer than journal.postgres.statementTimeout'],
  '57P03': ['unreachable', 'is starting, stopping or recovering'],
  '57P': ['lost', 'is stopping, or ended the connection'],
  '58': ['refused', 'has trouble with its files'],
  XX: ['refused', 'is damaged or has a bug'],
};

/** By errno(3) and OpenSSL, as Node spells them: before a connection is there. */
const CONNECTING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is not there: nothing listens',
  ENOENT: 'is not there: there is no such socket',
  ENOTFOUND: 'does not resolve to an address',
  EAI_AGAIN: 'cannot be looked up: DNS does not answer',
  EHOSTUNREACH: 'cannot be reached from here',
  ENETUNREACH: 'cannot be reached from here',
  EACCES: 'may not be opened by this user',
};

/** What OpenSSL and Node call a certificate that is not the one expected (nodejs.org/api/tls.html, X509 error codes). */
const UNTRUSTED =
  /^(?:ERR_TLS_CERT_ALTNAME_INVALID|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|INVALID_|HOSTNAME_MISMATCH)/;

/** @param name of the host. @param sent whether a statement was on its way. */
export function postgresProblem(name: string, cause: unknown, { sent }: { readonly sent: boolean }): PostgresProblem {
  if (cause instanceof PostgresProblem) return cause;
  const [kind, text] = format(cause, sent);
  return new PostgresProblem(kind, `PostgreSQL at ${name} ${text}`, { cause });
}

function format(cause: unknown, sent: boolean): readonly [ProblemKind, string] {
  const code = codeOf(cause);
  const said = isSqlState(cause) ? cause.code : undefined;
  if (said !== undefined) {
    const row = SQLSTATES[said] ?? SQLSTATES[said.slice(0, 3)] ?? SQLSTATES[said.slice(0, 2)];
    const [kind, text] = row ?? ['refused', 'refused'];
    // What breaks off before anything was asked was not asked.
    return [kind === 'lost' && !sent ? 'unreachable' : kind, `${text} (SQLSTATE ${said})`];
  }
  if (sent) return ['lost', 'broke off the connection'];
  if (code !== undefined && UNTRUSTED.test(code)) {
    return ['misconfigured', `shows a certificate that journal.postgres.caFile does not vouch for (${code})`];
  }
  // Without a code it is pg's own error, whose fixed words say it best, such as that the server has no TLS.
  return [
    'unreachable',
    CONNECTING[code ?? ''] ?? `cannot be reached (${code ?? (cause instanceof Error ? cause.message : 'failed')})`,
  ];
}

/** An error that the server sent, and pg's own errors have none: its fields are those of the protocol. */
function isSqlState(cause: unknown): cause is { readonly code: string } {
  return cause instanceof Error && 'severity' in cause && /^[0-9A-Z]{5}$/.test(codeOf(cause) ?? '');
}
