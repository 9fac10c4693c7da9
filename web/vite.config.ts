import react from '@vitejs/plugin-react'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { compressed } from './build/compress.ts'
import { logos } from './build/logos.ts'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/console/',
  plugins: [react(), logos(), compressed()],
  html: { cspNonce: '%CSP_NONCE%' },
  build: {
    target: 'es2022',
    outDir: '../dist/web',
    emptyOutDir: true,
    manifest: true, // what is loaded first, for test/browser/bundle.test.ts
    assetsInlineLimit: 0, // a data: URL is not cached, and fonts as data are refused by our policy
    modulePreload: { polyfill: false }, // an inline script otherwise
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
})
