import ArgumentParser
import CLIP
import CommandSupport
import Foundation
import Printing
import Tokenizers

/// `watchword tokenize`: prints the token ids of each line of standard input.
struct Tokenize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Token ids of the lines on standard input, one JSON array a line: what the text tower is given.")

    @OptionGroup var model: ModelOptions
    @Flag(help: "Ids of the text alone: no start and end token, no limit.")
    var plain = false
    @Flag(help: "Print JSON (it always is).")
    var json = false

    func run() async throws {
        try await Exit.guarding {
            let directory = try model.directory()
            let tokenizer = try directory.tokenizer()
            // Lines are split at LF bytes, since `readLine` also splits at other characters.
            var buffer = Data()
            func emit(_ line: Data) throws {
                let text = String(decoding: line, as: UTF8.self)
                let ids =
                    plain
                    ? tokenizer.encode(text) : tokenizer.tokens(text, limit: directory.architecture.text.context).ids
                try Terminal.say(json: ids)
            }
            while true {
                let chunk = try StandardInput.next()
                if chunk.isEmpty { break }
                buffer += chunk
                while let end = buffer.firstIndex(of: 10) {
                    try emit(Data(buffer[buffer.startIndex..<end]))
                    buffer = Data(buffer[(end + 1)...])
                }
            }
            if !buffer.isEmpty { try emit(buffer) }
        }
    }
}
