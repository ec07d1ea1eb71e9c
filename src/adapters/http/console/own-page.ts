// Whether a request comes from a page of this console. A browser can be led here under a name of somebody else's (DNS
// rebinding), and pages of others can have it send requests: the first is told by the Host header, the second by Origin
// (RFC 6454) and what browsers say themselves (W3C Fetch Metadata).

export interface RequestHeaders {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `sec-fetch-site` */
  readonly site: string | undefined;
}

/** @param names of hosts, lower case, without ports. */
export function isOwnHost({ host }: Pick<RequestHeaders, 'host'>, names: ReadonlySet<string>): boolean {
  return host !== undefined && names.has(hostnameOf(host));
}

export interface FetchMetadata {
  readonly mode: string | undefined;
  readonly dest: string | undefined;
  readonly purpose: string | undefined;
}

/** Whether a tab goes there, as by a link: no image, frame or prefetch of somebody else's page; what says nothing of that is no browser of today. */
export function isOfTab({ mode, dest, purpose }: FetchMetadata): boolean {
  const isTab = mode === undefined || (mode === 'navigate' && (dest === undefined || dest === 'document'));
  return isTab && purpose === undefined;
}

/** A browser sends Origin with whatever may change something; what sends none is no page. */
export function isFromOwnPage({ host, origin, site }: RequestHeaders, scheme: 'http' | 'https'): boolean {
  if (site !== undefined && site !== 'same-origin') return false;
  return host !== undefined && origin === `${scheme}://${host}`;
}

/** Of `name`, `name:port` and `[v6]:port`. */
function hostnameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}
