/** A script may have thousands of names, and hundreds of misspelt ones. */
const mostCandidates = 2000

/** The candidate that is probably meant by a misspelt name, or null: the same in another case, or few letters away. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = name.toLowerCase()
  let best: string | null = null
  let least = wanted.length < 3 ? 1 : wanted.length < 6 ? 2 : wanted.length < 10 ? 3 : 4
  let looked = 0
  for (const candidate of candidates) {
    looked += 1
    if (looked > mostCandidates) break
    if (candidate === name || Math.abs(candidate.length - name.length) >= least) continue
    const distance = distanceOf(wanted, candidate.toLowerCase(), least)
    if (distance < least) {
      least = distance
      best = candidate
      if (distance === 0) break
    }
  }
  return best
}

/** Letters to insert, take away, change or swap with their neighbour; gives up at `most`. Names are short: 60 letters are compared. */
function distanceOf(a: string, b: string, most: number): number {
  if (a.length > 60 || b.length > 60) return a === b ? 0 : most
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    if (Math.min(...row) >= most) return most
    beforeLast = last
    last = row
  }
  return last[b.length] ?? most
}

/** "Did you mean 'x'?", or null when nothing is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string | null {
  const found = nearest(name, candidates)
  return found === null ? null : `Did you mean '${found}'?`
}
