// The same administration for operators elsewhere: over TLS, by their client certificates. Who asks is found out here; what is
// asked is answered by whoever speaks for the server, which may be another process.
import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Events } from '../../../ports/platform/events.ts';
import { boundedBody } from '../bounded-body.ts';
import { certificateOn } from '../connection-of.ts';
import { isForbiddenMethod, METHOD_NOT_ALLOWED } from '../forbidden-method.ts';
import { HttpsListener, type HttpsSettings } from '../https-listener.ts';
import { MAX_BODY_BYTES, type AdministrationRoutes, type Stranger } from './administration.ts';
import { certifiedOperator, type RoleNames } from './certified-operator.ts';
import type { RoledOperator } from '../../../authority/administration/roles.ts';

/** One request with who asks: data all through. */
export interface OperatorsRequest {
  readonly method: string;
  /** With its query. */
  readonly target: string;
  readonly body: string;
  readonly operator: RoledOperator | Stranger;
}

export interface OperatorsAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

export interface OperatorsParts {
  readonly answer: (request: OperatorsRequest) => Promise<OperatorsAnswer>;
  readonly events: Pick<Events, 'unexpected'>;
}

export class OperatorsListener extends HttpsListener {
  constructor(parts: OperatorsParts, roles: RoleNames, settings: HttpsSettings & { readonly clientCa: string }) {
    super(operatorsRoutes(parts, roles), settings);
  }
}

function operatorsRoutes({ answer, events }: OperatorsParts, roles: RoleNames): Hono {
  const routes = new Hono();
  routes.all('*', boundedBody(MAX_BODY_BYTES), async (c) => {
    const { pathname, search } = new URL(c.req.url);
    const operator = operatorOn(c.env, roles);
    const { method } = c.req;
    const { status, body } = await answer({ method, target: pathname + search, body: await c.req.text(), operator });
    return c.body(body, status as ContentfulStatusCode, { 'content-type': 'application/json' });
  });
  routes.onError((cause, c) => {
    if (cause instanceof AuthorityError) return c.json({ error: cause.message }, 503);
    events.unexpected({ where: 'administration', cause });
    return c.json({ error: 'internal error' }, 500);
  });
  return routes;
}

function operatorOn(environment: unknown, roles: RoleNames): RoledOperator | Stranger {
  const shown = certificateOn(environment);
  return shown === undefined ? { actor: 'nobody', role: 'none' } : certifiedOperator(shown.der, roles);
}

/** At the end that answers. @param routes whose `operatorOf` is `relayedOperator`. */
export async function answerOperator(
  routes: AdministrationRoutes,
  request: OperatorsRequest,
): Promise<OperatorsAnswer> {
  const { method, target, body, operator } = request;
  if (isForbiddenMethod(method)) return { status: 405, body: METHOD_NOT_ALLOWED };
  const headers = { 'content-type': 'application/json' };
  const init = { method, headers, ...(method !== 'GET' && method !== 'HEAD' && { body }) };
  const response = await routes.request(target, init, { operator });
  return { status: response.status, body: await response.text() };
}

/** Of a request that came through `answerOperator`. */
export function relayedOperator(environment: unknown): RoledOperator | Stranger {
  return (environment as { readonly operator: RoledOperator | Stranger }).operator;
}
