import CZlib
import Foundation

/// zlib's raw deflate against a dictionary: for short texts that are much alike.
enum Deflate {
    /// 4 kB: further back than texts and dictionaries are long, and quickly set up.
    private static let window: Int32 = -12

    /// The packed bytes; nil if they would be no fewer.
    static func pack(_ data: Data, _ dictionary: Data) -> Data? {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(&stream, 4, Z_DEFLATED, window, 6, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        return run(&stream, data, room: data.count, deflateSetDictionary, dictionary) { deflate($0, Z_FINISH) }
    }

    /// The `count` bytes that were packed; nil if the packed ones make others.
    static func unpack(_ data: Data, to count: Int, _ dictionary: Data) -> Data? {
        var stream = z_stream()
        guard inflateInit2_(&stream, window, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { inflateEnd(&stream) }
        let found = run(&stream, data, room: count + 1, inflateSetDictionary, dictionary) { inflate($0, Z_FINISH) }
        return found?.count == count ? found : nil
    }

    private static func run(
        _ stream: inout z_stream, _ data: Data, room: Int,
        _ setDictionary: (z_streamp?, UnsafePointer<Bytef>?, uInt) -> Int32, _ dictionary: Data,
        _ step: (z_streamp?) -> Int32
    ) -> Data? {
        let isSet = dictionary.withUnsafeBytes { bytes in
            setDictionary(&stream, bytes.bindMemory(to: Bytef.self).baseAddress, uInt(bytes.count))
        }
        guard isSet == Z_OK, room > 0 else { return nil }
        var out = [UInt8](repeating: 0, count: room)
        let end = data.withUnsafeBytes { bytes in
            out.withUnsafeMutableBufferPointer { out in
                // zlib does not write what it reads; its type does not say so.
                stream.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: Bytef.self).baseAddress)
                (stream.avail_in, stream.next_out, stream.avail_out) = (
                    uInt(bytes.count), out.baseAddress, uInt(out.count)
                )
                return step(&stream)
            }
        }
        guard end == Z_STREAM_END else { return nil }
        return Data(out[..<(room - Int(stream.avail_out))])
    }
}
