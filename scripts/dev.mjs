// `npm run dev`: the server and the console, both with reload. Open the console's address; what is not a page of it goes on to the server.
import { spawn } from 'node:child_process'
import { createServer } from 'vite'

const server = { host: '127.0.0.1', port: Number(process.env.PATCHBAY_PORT ?? 4401) }
const port = 4400

/** The console's own paths are served from its sources, everything else by the server. */
const ofTheServer =
  '^/(api|assets|cli-login|connect|docs|healthz|invitations|metrics|oauth|proxy|readyz|reset-password|setup|sign-in|sign-out)(/|$|\\?)'

const vite = await createServer({
  configFile: new URL('../web/vite.config.ts', import.meta.url).pathname,
  base: '/',
  server: { port, strictPort: true, proxy: { [ofTheServer]: { target: `http://${server.host}:${server.port}` } } },
})
await vite.listen()
vite.printUrls()

const patchbay = spawn(process.execPath, ['--import', 'tsx', '--watch', 'src/main.ts'], {
  stdio: 'inherit',
  env: { ...process.env, PATCHBAY_HOST: server.host, PATCHBAY_PORT: String(server.port), PATCHBAY_PUBLIC_URL: `http://localhost:${port}` },
})
patchbay.on('exit', code => void vite.close().then(() => process.exit(code ?? 0)))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => patchbay.kill(signal))
