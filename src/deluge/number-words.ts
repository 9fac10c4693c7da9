import { digitsOf } from './arithmetic.ts'
import { Failure } from './failure.ts'
import type { Numeric } from './value.ts'

/** One language's way to say a number: whole numbers below 10^18, then "minus", "point" and digits one by one. */
interface Language {
  readonly minus: string
  readonly point: string
  /** Between words; Chinese, Japanese and Korean write none. */
  readonly space: '' | ' '
  readonly whole: (value: bigint) => string
}

const mostDigits = 18

const words = (list: string): readonly string[] => list.split(' ')

const englishOnes = words(
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen',
)
const englishTens = words('- - twenty thirty forty fifty sixty seventy eighty ninety')

/** Largest first. */
type Scales = readonly (readonly [size: bigint, name: string])[]

const western: Scales = [
  [10n ** 15n, 'quadrillion'],
  [10n ** 12n, 'trillion'],
  [10n ** 9n, 'billion'],
  [10n ** 6n, 'million'],
  [1000n, 'thousand'],
  [100n, 'hundred'],
]
const indian: Scales = [
  [10n ** 7n, 'crore'],
  [10n ** 5n, 'lakh'],
  [1000n, 'thousand'],
  [100n, 'hundred'],
]

function english(scales: Scales): Language['whole'] {
  const say = (value: bigint): string => {
    for (const [size, name] of scales) {
      if (value >= size) return `${say(value / size)} ${name}${value % size === 0n ? '' : ` ${say(value % size)}`}`
    }
    const small = Number(value)
    if (small < 20) return englishOnes[small] ?? ''
    return `${englishTens[Math.floor(small / 10)] ?? ''}${small % 10 === 0 ? '' : `-${englishOnes[small % 10] ?? ''}`}`
  }
  return say
}

const spanishOnes = words(
  'cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve ' +
    'veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve',
)
const spanishTens = words('- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa')
const spanishHundreds = words('- ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos')

/** Before a noun ("mil", "millones") "uno" is "un". */
const shortened = (text: string): string => text.replace(/veintiuno$/, 'veintiún').replace(/uno$/, 'un')

function spanish(value: bigint): string {
  const rest = (size: bigint): string => (value % size === 0n ? '' : ` ${spanish(value % size)}`)
  if (value >= 10n ** 12n)
    return `${value < 2n * 10n ** 12n ? 'un billón' : `${shortened(spanish(value / 10n ** 12n))} billones`}${rest(10n ** 12n)}`
  if (value >= 10n ** 6n)
    return `${value < 2n * 10n ** 6n ? 'un millón' : `${shortened(spanish(value / 10n ** 6n))} millones`}${rest(10n ** 6n)}`
  if (value >= 1000n) return `${value < 2000n ? 'mil' : `${shortened(spanish(value / 1000n))} mil`}${rest(1000n)}`
  const small = Number(value)
  if (small === 100) return 'cien'
  if (small > 100) return `${spanishHundreds[Math.floor(small / 100)] ?? ''}${rest(100n)}`
  if (small < 30) return spanishOnes[small] ?? ''
  return `${spanishTens[Math.floor(small / 10)] ?? ''}${small % 10 === 0 ? '' : ` y ${spanishOnes[small % 10] ?? ''}`}`
}

const frenchOnes = words(
  'zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf',
)
const frenchTens = words('- - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt')

/** `final`: nothing follows that is counted, so that "cents" and "quatre-vingts" keep their s. */
function french(value: bigint, final = true): string {
  for (const [size, name] of [
    [10n ** 15n, 'billiard'],
    [10n ** 12n, 'billion'],
    [10n ** 9n, 'milliard'],
    [10n ** 6n, 'million'],
  ] as const) {
    if (value >= size) {
      const rest = value % size === 0n ? '' : ` ${french(value % size, final)}`
      return `${french(value / size)} ${name}${value < 2n * size ? '' : 's'}${rest}`
    }
  }
  if (value >= 1000n) {
    return `${value < 2000n ? '' : `${french(value / 1000n, false)} `}mille${value % 1000n === 0n ? '' : ` ${french(value % 1000n, final)}`}`
  }
  const small = Number(value)
  if (small >= 100) {
    const plural = small >= 200 && small % 100 === 0 && final ? 's' : ''
    const rest = small % 100 === 0 ? '' : ` ${french(BigInt(small % 100), final)}`
    return `${small < 200 ? '' : `${frenchOnes[Math.floor(small / 100)] ?? ''} `}cent${plural}${rest}`
  }
  if (small < 20) return frenchOnes[small] ?? ''
  if (small === 80) return final ? 'quatre-vingts' : 'quatre-vingt'
  const ten = Math.floor(small / 10)
  // Seventy and ninety go on counting from sixty and eighty.
  const one = ten === 7 || ten === 9 ? (small % 10) + 10 : small % 10
  const link = small < 80 && (one === 1 || one === 11) ? '-et-' : '-'
  return `${frenchTens[ten] ?? ''}${one === 0 ? '' : link + (frenchOnes[one] ?? '')}`
}

const germanOnes = words(
  'null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn',
)
const germanTens = words('- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig')

function german(value: bigint): string {
  for (const [size, name, names] of [
    [10n ** 15n, 'Billiarde', 'Billiarden'],
    [10n ** 12n, 'Billion', 'Billionen'],
    [10n ** 9n, 'Milliarde', 'Milliarden'],
    [10n ** 6n, 'Million', 'Millionen'],
  ] as const) {
    if (value >= size) {
      const rest = value % size === 0n ? '' : ` ${german(value % size)}`
      return `${value < 2n * size ? `eine ${name}` : `${germanStem(value / size)} ${names}`}${rest}`
    }
  }
  const stem = germanStem(value)
  return value % 100n === 1n ? `${stem}s` : stem
}

/** Below a million, in one word, "ein" without its s. */
function germanStem(value: bigint): string {
  const rest = (size: bigint): string => (value % size === 0n ? '' : germanStem(value % size))
  if (value >= 1000n) return `${germanStem(value / 1000n)}tausend${rest(1000n)}`
  if (value >= 100n) return `${germanStem(value / 100n)}hundert${rest(100n)}`
  const small = Number(value)
  if (small < 20) return germanOnes[small] ?? ''
  return `${small % 10 === 0 ? '' : `${germanOnes[small % 10] ?? ''}und`}${germanTens[Math.floor(small / 10)] ?? ''}`
}

const italianOnes = words(
  'zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove',
)
const italianTens = words('- - venti trenta quaranta cinquanta sessanta settanta ottanta novanta')

function italian(value: bigint): string {
  for (const [size, name, names] of [
    [10n ** 15n, 'biliardo', 'biliardi'],
    [10n ** 12n, 'bilione', 'bilioni'],
    [10n ** 9n, 'miliardo', 'miliardi'],
    [10n ** 6n, 'milione', 'milioni'],
  ] as const) {
    if (value >= size) {
      const rest = value % size === 0n ? '' : ` ${italian(value % size)}`
      return `${value < 2n * size ? `un ${name}` : `${italianStem(value / size)} ${names}`}${rest}`
    }
  }
  const stem = italianStem(value)
  return value > 20n && value % 10n === 3n && value % 100n !== 13n ? `${stem.slice(0, -1)}é` : stem
}

function italianStem(value: bigint): string {
  const rest = (size: bigint): string => (value % size === 0n ? '' : italianStem(value % size))
  if (value >= 1000n) return `${value < 2000n ? 'mille' : `${italianStem(value / 1000n)}mila`}${rest(1000n)}`
  if (value >= 100n) {
    const after = rest(100n)
    // "centottanta": two o do not meet.
    return `${value < 200n ? '' : italianStem(value / 100n)}${after.startsWith('ott') ? 'cent' : 'cento'}${after}`
  }
  const small = Number(value)
  if (small < 20) return italianOnes[small] ?? ''
  const ten = italianTens[Math.floor(small / 10)] ?? ''
  if (small % 10 === 0) return ten
  return (small % 10 === 1 || small % 10 === 8 ? ten.slice(0, -1) : ten) + (italianOnes[small % 10] ?? '')
}

interface EastAsian {
  readonly digits: readonly string[]
  readonly tens: readonly string[]
  readonly myriads: readonly string[]
  /** What a one before ten, hundred and thousand is written as: Chinese writes it, Japanese and Korean do not. */
  readonly one: string
  /** Chinese: stands for skipped places. */
  readonly gap: string
  /** Korean: after a myriad word. */
  readonly pause: string
}

/** Counts in myriads: four digits, then 万, 億, 兆. */
function eastAsian(writing: EastAsian): Language['whole'] {
  const group = (value: number): string => {
    let text = ''
    let skipped = false
    for (let place = 3; place >= 0; place -= 1) {
      const digit = Math.floor(value / 10 ** place) % 10
      if (digit === 0) skipped = true
      else {
        if (skipped && text !== '') text += writing.gap
        skipped = false
        text += (digit === 1 && place > 0 ? writing.one : (writing.digits[digit] ?? '')) + (writing.tens[place] ?? '')
      }
    }
    return text
  }
  return value => {
    if (value === 0n) return writing.digits[0] ?? ''
    const parts: string[] = []
    for (let power = 4; power >= 0; power -= 1) {
      const part = Number((value / 10n ** BigInt(power * 4)) % 10000n)
      if (part === 0) continue
      const bare = writing.pause !== '' && power === 1 && part === 1
      const gap = parts.length > 0 && part < 1000 ? writing.gap : ''
      parts.push(`${gap}${bare ? '' : group(part)}${writing.myriads[power] ?? ''}`)
    }
    const text = parts.join(writing.pause)
    // "十二", not "一十二", when nothing stands before it.
    return writing.one !== '' && value < 20n && value >= 10n ? text.slice(writing.one.length) : text
  }
}

const languages: Readonly<Record<string, Language>> = {
  // The public examples of English have no "and", as the spell-out rules of CLDR.
  'en-us': { minus: 'minus', point: 'point', space: ' ', whole: english(western) },
  'en-gb': { minus: 'minus', point: 'point', space: ' ', whole: english(western) },
  'en-in': { minus: 'minus', point: 'point', space: ' ', whole: english(indian) },
  es: { minus: 'menos', point: 'coma', space: ' ', whole: spanish },
  fr: { minus: 'moins', point: 'virgule', space: ' ', whole: value => french(value) },
  de: { minus: 'minus', point: 'Komma', space: ' ', whole: german },
  it: { minus: 'meno', point: 'virgola', space: ' ', whole: italian },
  ja: {
    minus: 'マイナス',
    point: '点',
    space: '',
    whole: eastAsian({
      digits: [...'〇一二三四五六七八九'],
      tens: ['', '十', '百', '千'],
      myriads: ['', '万', '億', '兆', '京'],
      one: '',
      gap: '',
      pause: '',
    }),
  },
  ko: {
    minus: '마이너스 ',
    point: '점',
    space: '',
    whole: eastAsian({
      digits: [...'영일이삼사오육칠팔구'],
      tens: ['', '십', '백', '천'],
      myriads: ['', '만', '억', '조', '경'],
      one: '',
      gap: '',
      pause: ' ',
    }),
  },
  zh: {
    minus: '负',
    point: '点',
    space: '',
    whole: eastAsian({
      digits: [...'零一二三四五六七八九'],
      tens: ['', '十', '百', '千'],
      myriads: ['', '万', '亿', '兆', '京'],
      one: '一',
      gap: '零',
      pause: '',
    }),
  },
}

/**
 * A number in words. Digits behind the point are said one by one.
 *
 * @throws Failure for an unknown language, and for more than 18 digits (the documented bound of whole numbers).
 */
export function numberWords(value: Numeric, language: string): string {
  const name = language.toLowerCase().replace('_', '-')
  const known = Object.hasOwn(languages, name) ? languages[name] : undefined
  if (!known) throw new Failure(`toWords knows the languages ${Object.keys(languages).join(', ')}.`)
  const digits = digitsOf(value)
  if (digits.e >= mostDigits || digits.decimalPlaces() > mostDigits) {
    throw new Failure(`toWords takes numbers of ${String(mostDigits)} digits at most.`)
  }
  const [whole = '0', fraction = ''] = digits.abs().toFixed().split('.')
  const said = [known.whole(BigInt(whole))]
  if (fraction !== '') said.push(known.point, ...[...fraction].map(digit => known.whole(BigInt(digit))))
  const text = said.join(known.space)
  return digits.isNegative() && !digits.isZero() ? `${known.minus}${known.space}${text}` : text
}
