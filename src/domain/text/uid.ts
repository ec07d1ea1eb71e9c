// Whether a text is a UID of Kubernetes, as of a pod: a UUID of RFC 4122 in its usual form
// (kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids).
const UID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUid(text: string): boolean {
  return UID.test(text);
}
