package import Foundation
package struct Tokenizer: Sendable {
  package let startToken: Int, endToken: Int, vocabularySize: Int
  package static func builtIn() throws(TokenizerError) -> Tokenizer    { throw TokenizerError() }
  package init(vocabulary: URL, merges: URL) throws(TokenizerError) { throw TokenizerError() }
  package func encode(_ text: String) -> [Int] { [] }
  package func tokens(_ text: String, limit: Int) -> (ids: [Int], truncated: Bool) { ([], false) }
}
package struct TokenizerError: Error, Equatable, CustomStringConvertible { package var description: String { "" } }
