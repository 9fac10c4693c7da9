import { describe, expect, it } from 'vitest'
import { formatNumber, isNumberMask } from './decimal-format.ts'
import { decimal, type Numeric } from './value.ts'

const numeric = (text: string): Numeric => (/^-?\d{1,15}$/.test(text) ? Number(text) : /^-?\d+$/.test(text) ? BigInt(text) : decimal(text))

describe('a mask of DecimalFormat', () => {
  it.each([
    ['2434', '000000000', '000002434'],
    ['123123456', '##,###', '123,123,456'],
    ['12345654.1234', '$#,##0.00', '$12,345,654.12'],
    ['1000000.05', '#,##0.00', '1,000,000.05'],
    ['4876876000000123456', '#,##0', '4,876,876,000,000,123,456'],
    ['0.125', '0.00', '0.12'],
    ['0.135', '0.00', '0.14'],
    ['2.5', '0', '2'],
    ['3.5', '#', '4'],
    ['-1234.5', '#,##0.00', '-1,234.50'],
    ['-1234.5', '#,##0.00;(#,##0.00)', '(1,234.50)'],
    ['1234.5', '0.0;(0.0)', '1234.5'],
    ['-0.001', '0.00', '0.00'],
    ['0.25', '0%', '25%'],
    ['0.1234', '0.0‰', '123.4‰'],
    ['12345', '0.00E0', '1.23E4'],
    ['12345', '##0.##E0', '12.3E3'],
    ['0.00012', '0.0E00', '1.2E-04'],
    ['9.99', '0.0E0', '1.0E1'],
    ['0', '0.0E0', '0.0E0'],
    ['0.5', '#.##', '.5'],
    ['0', '#.##', '0'],
    ['5', '0.', '5.'],
    ['10.5', '0.00 per hour', '10.50 per hour'],
    ['5', "'#'0", '#5'],
    ['5', "0 o''clock", "5 o'clock"],
    ['1234567', '#,####', '123,4567'],
    ['7', '0000', '0007'],
    ['1.10', '0.##', '1.1'],
    ['12', '€ 0', '€ 12'],
  ])('writes %s by %s as %s', (value, mask, expected) => {
    expect(formatNumber(numeric(value), mask)).toBe(expected)
  })

  it('cuts off where it is told to', () => {
    expect(formatNumber(decimal('1.999'), '0.00', 'down')).toBe('1.99')
    expect(formatNumber(decimal('-1.999'), '0.00', 'down')).toBe('-1.99')
  })

  it('refuses what it cannot write', () => {
    expect(() => formatNumber(1, 'abc')).toThrow('no place for a digit')
    expect(() => formatNumber(1, '0'.repeat(1001))).toThrow('1000 characters at most')
    expect(() => formatNumber(decimal('1e5000'), '0')).toThrow('too large')
  })

  it('is told from a date pattern', () => {
    expect(isNumberMask('#,##0.00')).toBe(true)
    expect(isNumberMask("yyyy-MM-dd'T0'HH:mm")).toBe(false)
  })
})
