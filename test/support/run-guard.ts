import { spawn } from 'node:child_process'

/**
 * Ends what a run leaves behind when it is interrupted, in whatever way: reads from a pipe of ours until that closes, then ends the
 * PostgreSQL servers below the folder, which PostgreSQL itself names in `postmaster.pid`, and removes it. A number that belongs to somebody
 * else by now is left alone: a server of ours names the folder among its arguments.
 */
const guard = `
cat > /dev/null
for file in "$1"/*/data/postmaster.pid; do
  [ -f "$file" ] || continue
  read -r pid < "$file"
  { cat "/proc/$pid/cmdline" || ps -o args= -p "$pid"; } 2> /dev/null | grep -aqF -- "$1" || continue
  kill -CONT "$pid"; kill -QUIT "$pid"
done
sleep 1
rm -rf -- "$1"
`

/** To be called by the process that goes on until the end of the run. */
export const guardRun = (directory: string): void => {
  const guarding = spawn('sh', ['-c', guard, 'sh', directory], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  guarding.stdin.on('error', () => {})
  guarding.unref()
  if ('unref' in guarding.stdin && typeof guarding.stdin.unref === 'function') guarding.stdin.unref()
}
