import CZlib
package import Foundation

/// Compresses short texts that resemble a common dictionary, by zlib's raw deflate.
package enum Deflate {
    /// The size of zlib's history window, 4 KiB, as the negative of its base-2 logarithm: negative means no header.
    ///
    /// It is longer than every dictionary and nearly every text, and zlib sets it up quickly.
    private static let window: Int32 = -12

    /// Compresses `data` with the help of a dictionary; returns nil if the result would not be smaller.
    package static func pack(_ data: Data, _ dictionary: Data) -> Data? {
        let stream = Stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard
            deflateInit2_(stream.pointer, 4, Z_DEFLATED, window, 6, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else { return nil }
        defer { deflateEnd(stream.pointer) }
        return stream.run(data, room: data.count, deflateSetDictionary, dictionary) { deflate($0, Z_FINISH) }
    }

    /// Decompresses `data`, which was compressed with the same dictionary; returns nil unless it gives `count` bytes.
    package static func unpack(_ data: Data, to count: Int, _ dictionary: Data) -> Data? {
        let stream = Stream()
        guard inflateInit2_(stream.pointer, window, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { inflateEnd(stream.pointer) }
        let found = stream.run(data, room: count + 1, inflateSetDictionary, dictionary) { inflate($0, Z_FINISH) }
        return found?.count == count ? found : nil
    }

    /// Owns a zlib stream at a fixed address, which zlib requires.
    private final class Stream {
        let pointer: UnsafeMutablePointer<z_stream>

        init() {
            pointer = .allocate(capacity: 1)
            pointer.initialize(to: z_stream())
        }

        deinit { pointer.deallocate() }

        func run(
            _ data: Data, room: Int, _ setDictionary: (z_streamp?, UnsafePointer<Bytef>?, uInt) -> Int32,
            _ dictionary: Data, _ step: (z_streamp?) -> Int32
        ) -> Data? {
            let isSet = dictionary.withUnsafeBytes { bytes in
                setDictionary(pointer, bytes.bindMemory(to: Bytef.self).baseAddress, uInt(bytes.count))
            }
            guard isSet == Z_OK, room > 0 else { return nil }
            var out = [UInt8](repeating: 0, count: room)
            let end = data.withUnsafeBytes { bytes in
                out.withUnsafeMutableBufferPointer { out in
                    // zlib only reads these bytes, although its type for the pointer is mutable.
                    pointer.pointee.next_in = UnsafeMutablePointer(
                        mutating: bytes.bindMemory(to: Bytef.self).baseAddress)
                    pointer.pointee.avail_in = uInt(bytes.count)
                    pointer.pointee.next_out = out.baseAddress
                    pointer.pointee.avail_out = uInt(out.count)
                    return step(pointer)
                }
            }
            guard end == Z_STREAM_END else { return nil }
            return Data(out[..<(room - Int(pointer.pointee.avail_out))])
        }
    }
}
