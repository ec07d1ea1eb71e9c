// Numbers of things for people, the same in every locale.

/** `1,000,000`. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 workload`, `1,200 workloads`. @param noun in the singular; its plural takes an s. */
export function formatQuantity(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
