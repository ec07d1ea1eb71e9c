// What a pod's phase says of its containers (Kubernetes API, PodStatus).

/** Succeeded or Failed: all containers have ended, and none is started again. The object may stay for long. */
export function hasEnded({ phase }: { readonly phase: string }): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
