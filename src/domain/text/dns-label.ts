// The label of RFC 1123 (section 2.1), in lower case: what Kubernetes calls a namespace, and a part of a host's name.

export const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function isDnsLabel(text: string): boolean {
  return DNS_LABEL.test(text);
}
