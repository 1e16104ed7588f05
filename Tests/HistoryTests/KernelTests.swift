import CKernels
import SystemSupport
import Testing

@Suite("Products of rows and texts as bytes")
struct KernelTests {
    /// Random bytes from -most to most, determined by a seed.
    private func bytes(_ seed: UInt64, _ count: Int, _ most: Int) -> [Int8] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in Int8(random.below(2 * most + 1) - most) }
    }

    /// The kernel's products of texts and rows: `[stride / 8, WW_HISTORY_DOTS, 8]`.
    private func dots(
        _ rows: [Int8], _ texts: [Int8], _ steps: [Float], _ offsets: [Int32], _ scales: [Float], _ width: Int,
        _ many: Int, _ kind: ww_scan
    ) -> [Float] {
        var out = [Float](repeating: -1, count: Int(WW_HISTORY_DOTS) * steps.count)
        texts.withUnsafeBufferPointer { bytes in
            steps.withUnsafeBufferPointer { steps in
                offsets.withUnsafeBufferPointer { offsets in
                    var made = ww_history_texts(
                        count: many, bytes: bytes.baseAddress, steps: steps.baseAddress, offsets: offsets.baseAddress)
                    let sum = ww_history_dots(&out, rows, scales.count, width, scales, &made, kind)
                    #expect(sum == ww_history_sum(rows, rows.count))
                }
            }
        }
        return out
    }

    @Test("are those of whole numbers, by whatever instructions, with numbers as large as they may be")
    func products() {
        let kinds = [WW_SCAN_PORTABLE, WW_SCAN_AVX2, WW_SCAN_VNNI, WW_SCAN_BEST].filter { ww_scan_available($0) != 0 }
        #expect(kinds.count >= 2)
        for (width, count, many) in [(64, 1, 1), (128, 7, 1), (512, 256, 1), (512, 5, 4), (512, 6, 9), (1024, 3, 64)] {
            let stride = (many + 7) / 8 * 8
            for isExtreme in [false, true] {
                var rows = bytes(1, count * width, 127)
                var texts = bytes(2, many * width, 63)
                if isExtreme {
                    rows = rows.map { $0 < 0 ? -127 : 127 }
                    texts = texts.map { $0 < 0 ? -63 : 63 }
                }
                texts += [Int8](repeating: 0, count: (stride - many) * width)
                let scales = (0..<count).map { 0.001 + Float($0) / 1024 }
                let steps = (0..<stride).map { $0 < many ? 0.5 + Float($0) : 0 }
                let offsets = (0..<stride).map { text in
                    128 * texts[text * width..<(text + 1) * width].reduce(Int32(0)) { $0 + Int32($1) }
                }
                for kind in kinds {
                    let out = dots(rows, texts, steps, offsets, scales, width, many, kind)
                    #expect(
                        out.indices.allSatisfy { place in
                            let room = Int(WW_HISTORY_DOTS)
                            let (row, text) = (place / 8 % room, place / 8 / room * 8 + place % 8)
                            return row >= count || text >= many
                                || out[place] == product(rows, row, texts, text, width, scales, steps)
                        })
                }
            }
        }
    }

    private func product(
        _ rows: [Int8], _ row: Int, _ texts: [Int8], _ text: Int, _ width: Int, _ scales: [Float], _ steps: [Float]
    ) -> Float {
        let sum = (0..<width).reduce(0) { $0 + Int(rows[row * width + $1]) * Int(texts[text * width + $1]) }
        return Float(sum) * (scales[row] * steps[text])
    }

    @Test("of sums of rows are within the step of a sum")
    func sums() {
        let (width, size) = (128, 4)
        let rows = bytes(3, 8 * width, 127)
        let scales: [Float] = [0.01, 0.02, 0.005, 0.01, 0.03, 0.01, 0.01, 0.02]
        // The fourth entry of the first sum repeats the third's row, the second sum lacks an entry.
        let own: [Int32] = [0, 1, 2, 2, 4, -1, 6, 7]
        var sums = [Int8](repeating: 0, count: 2 * width)
        var made = [Float](repeating: 0, count: 2)
        ww_history_group(&sums, &made, rows, scales, own, 8, size, width)
        for sum in 0..<2 {
            for place in 0..<width {
                let exact = own[sum * size..<(sum + 1) * size].filter { $0 >= 0 }.reduce(Float(0)) {
                    $0 + scales[Int($1)] * Float(rows[Int($1) * width + place])
                }
                #expect(abs(made[sum] * Float(sums[sum * width + place]) - exact) <= 0.5001 * made[sum])
            }
        }
    }
}
