import Foundation
import FuzzReaders

/// The reader that the environment variable `WATCHWORD_FUZZ` names; it never changes while the process runs.
private let chosen: Reader = {
    let name = ProcessInfo.processInfo.environment["WATCHWORD_FUZZ"] ?? ""
    guard let reader = Reader(rawValue: name) else {
        FileHandle.standardError.write(Data("WATCHWORD_FUZZ is \"\(name)\", not the name of a reader\n".utf8))
        exit(64)
    }
    return reader
}()

/// libFuzzer's entry point: hostile input must be refused; a trap, sanitizer report, hang or 2 GB of memory is a bug.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    chosen.read(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}
