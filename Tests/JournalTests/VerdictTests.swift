import Foundation
import Journal
import Testing

@Suite("Verdicts on events")
struct VerdictTests {
    @Test("are counted by query, one an event, and outlive the event and the process")
    func counted() throws {
        let path = temporary()
        do {
            let journal = try Journal(path: path)
            _ = try journal.append(
                ["one", "two", "three"].flatMap { [message(event: $0, .start), message(event: $0, .end)] })
            for event in ["one", "two", "three"] {
                let owner = try #require(try journal.owner(ofEvent: event))
                #expect(owner.query == "q" && owner.stream == "s")
                try journal.save(event == "one" ? .right : .wrong, event: event, query: "q", stream: "s")
            }
            #expect(try journal.verdicts() == ["q": VerdictCounts(right: 1, wrong: 2)])
            // Another word takes the place of the one before; none takes it back.
            try journal.save(.right, event: "two", query: "q", stream: "s")
            try journal.save(nil, event: "three", query: "q", stream: "s")
            #expect(try journal.owner(ofEvent: "four") == nil)
        }
        let journal = try Journal(path: path)
        #expect(try journal.verdicts() == ["q": VerdictCounts(right: 2)])
    }
}
