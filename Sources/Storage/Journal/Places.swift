package import Foundation
import GRDB

/// Saves the positions of the notifiers: how far each one has read the journal's messages.
///
/// A notifier sends alerts to a webhook or an MQTT broker, and encodes its position as JSON.
extension Journal {
    package func places() throws(JournalError) -> [String: Data] {
        try doing("places of notifiers cannot be read") {
            try database.read { database in
                let rows = try Row.fetchAll(database, sql: "SELECT name, json FROM notifier")
                return Dictionary(uniqueKeysWithValues: rows.map { ($0["name"] as String, $0["json"] as Data) })
            }
        }
    }

    package func save(place: Data, of notifier: String) throws(JournalError) {
        try doing("the place of notifier \"\(notifier)\" cannot be written") {
            try database.write { database in
                try database.execute(
                    sql: "INSERT OR REPLACE INTO notifier (name, json) VALUES (?, ?)", arguments: [notifier, place])
            }
        }
    }

    package func remove(places notifiers: [String]) throws(JournalError) {
        try doing("places of notifiers cannot be removed") {
            try database.write { database in
                for name in notifiers {
                    try database.execute(sql: "DELETE FROM notifier WHERE name = ?", arguments: [name])
                }
            }
        }
    }
}
