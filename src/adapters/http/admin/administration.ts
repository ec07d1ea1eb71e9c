// What operators may ask of a running server, and tell it: on a Unix socket that only the server's own user can open, and
// over TLS for those whose client certificate has a role. Never on the HTTP port, which knows nobody.
//
// To add a route, write an `AdministrationPart` in a file of its own beside this one (`administer-<what>.ts`: it
// gets its collaborators as arguments and answers JSON), name it in `src/app/compose/administration/administration.ts`, and ask it from a
// command with `askServer` (`src/cli/administration.ts`). What changes something is a POST. Each route says which role it
// needs (`demandRole`).
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { demandRoleOf, type Role, type RoledOperator } from '../../../authority/administration/roles.ts';
import { AuthorityError, type ErrorCode } from '../../../domain/errors.ts';
import type { Reason } from '../../../domain/reasons.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { boundedBody } from '../bounded-body.ts';

export type AdministrationRoutes = Hono<AdministrationEnvironment>;
export interface AdministrationEnvironment {
  readonly Variables: { operator: RoledOperator };
}

/** Adds its routes. A handler may throw an AuthorityError: the operator reads its message. */
export type AdministrationPart = (routes: AdministrationRoutes) => void;

/** Somebody without a role, by the name in the client certificate. */
export interface Stranger {
  readonly actor: string;
  readonly role: 'none';
}

/** What was asked for and not done. */
export interface RefusedOperation {
  /** As the server's routes spell it. */
  readonly method: string;
  readonly path: string;
  readonly actor: string;
  /** `none` for who has no role. */
  readonly role: string;
  readonly problem: string;
}

export interface AdministrationParts {
  readonly events: Pick<Events, 'unexpected' | 'administered'>;
  /** @returns who asks. @param environment what the listener hands in with each request. */
  readonly operatorOf: (environment: unknown) => RoledOperator | Stranger;
  /** Whether the operator has asked for too much lately. */
  readonly overloaded?: (actor: string) => boolean;
  /** Hears of each request to change something that was refused. */
  readonly refused?: (operation: RefusedOperation) => void;
}

/** Of a request: most are a few words, and the end of an export names some ten thousand chains. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Where the reason says more than its code. */
const STATUS_OF_REASON: Partial<Readonly<Record<Reason, ContentfulStatusCode>>> = { 'CAP-O03': 409 };
/** Every other is a conflict with how the server is. */
const STATUS_OF_CODE: Partial<Readonly<Record<ErrorCode, ContentfulStatusCode>>> = {
  policy_denied: 403,
  malformed_request: 400,
  overloaded: 429,
  not_ready: 503,
  dependency_unavailable: 503,
  timed_out: 503,
};

export function administrationRoutes(
  parts: readonly AdministrationPart[],
  { events, operatorOf, overloaded = () => false, refused = () => undefined }: AdministrationParts,
): AdministrationRoutes {
  const routes: AdministrationRoutes = new Hono<AdministrationEnvironment>();
  const refuse = (c: Context, { actor, role }: RoledOperator | Stranger, error: AuthorityError): Response => {
    const { method, path } = c.req;
    events.administered({ role, outcome: 'refused' });
    if (method !== 'GET') refused({ method, path, actor, role, problem: error.message });
    return answerOf(c, error);
  };
  routes.use(async (c, next) => {
    const operator = operatorOf(c.env);
    if (overloaded(operator.actor)) return refuse(c, operator, new AuthorityError('CAP-O05'));
    if (operator.role === 'none') return refuse(c, operator, new AuthorityError('CAP-O01'));
    c.set('operator', operator);
    await next();
    if (c.error === undefined) events.administered({ role: operator.role, outcome: 'answered' });
    return undefined;
  });
  routes.use(boundedBody(MAX_BODY_BYTES));
  for (const addTo of parts) addTo(routes);
  routes.notFound((c) => c.json({ error: 'this server has no such page: is it of another version?' }, 404));
  routes.onError((cause, c) => {
    if (!(cause instanceof AuthorityError)) {
      events.unexpected({ where: 'administration', cause });
      return c.json({ error: 'internal error' }, 500);
    }
    return refuse(c, c.get('operator'), cause);
  });
  return routes;
}

/** Refuses who has a lesser role, and a team: what is asked is of the whole mesh. */
export function demandRole(least: Role): MiddlewareHandler<AdministrationEnvironment> {
  return async (c, next) => {
    const operator = c.get('operator');
    demandRoleOf(operator, least);
    if (operator.namespaces !== undefined) throw new AuthorityError('CAP-O01', { detail: OF_THE_WHOLE_MESH });
    await next();
  };
}

const OF_THE_WHOLE_MESH = 'it shows the whole mesh, and the caller sees its own namespaces alone';

/** Lets a team in too: the handler shows what is of `operator.namespaces`, where there are any, and nothing else. */
export const demandTeam: MiddlewareHandler<AdministrationEnvironment> = async (c, next) => {
  demandRoleOf(c.get('operator'), 'viewer');
  await next();
};

function answerOf(c: Context, error: AuthorityError): Response {
  const { code, reason, message } = error;
  return c.json({ error: message }, STATUS_OF_REASON[reason] ?? STATUS_OF_CODE[code] ?? 409);
}
