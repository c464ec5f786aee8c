"""Was auf Deutsch gesagt wird: German conversations (dentist, hotel, law office, utility, shop).

How these texts are written: `texts.py`. Every person, number and card in them is fictional.
"""

POOLS = {
    "day": ["morgen", "am Montag", "am Dienstag", "am Mittwoch", "nächsten Donnerstag", "am Freitag"],
    "time": ["8:15 Uhr", "9:30 Uhr", "10 Uhr", "11:45 Uhr", "14:30 Uhr", "15:20 Uhr", "16:45 Uhr"],
    "date": ["3. März", "18. April", "22. Mai", "9. Juni", "14. Juli", "27. August", "5. Oktober"],
    "city": ["Lindental", "Göttingen", "Köln", "Lübeck", "Würzburg", "Graz", "Zürich"],
    "street": ["Mühlenweg", "Bahnhofstraße", "Lindenallee", "Schloßgasse", "Am Markt", "Übergasse"],
    "money": ["€"],
    "item": ["das Kochbuch", "die grüne Regenjacke", "den Gartenkalender", "die Wanderkarte", "den Bildband"],
    "room": ["ein Doppelzimmer", "ein Einzelzimmer", "ein Familienzimmer", "ein Zimmer mit Bergblick"],
    "dish": ["Käsespätzle", "eine Forelle", "zweimal Apfelstrudel"],
    "device": ["Router", "Zähler", "Drucker"],
    "home": ["die Zweizimmerwohnung am Markt", "das Reihenhaus"],
}

OPENINGS = """
# Begrüßung
< Guten Tag, hier ist {agent} von {org}. Was kann ich für Sie tun?
| Willkommen bei {org}! Ich bin {agent}, der digitale Assistent.
| Grüß Gott, Sie sprechen mit {agent}. Worum geht es?
> Guten Morgen!
| Hallo, spreche ich mit einem Menschen?
| Guten Tag.
< Schön, dass Sie da sind. Ich bin ein Assistent und hole jederzeit gern eine Kollegin dazu.
| Wie kann ich helfen?
# Gleich zur Sache
> Hallo
| Moin, kurze Frage
< Hallo! Bitte, gern.
| Ich höre.
"""

CLOSINGS = """
# Freundlich
> Super, das war's schon. Vielen Dank!
| Danke für die schnelle Hilfe.
| Alles klar, tschüss
< Sehr gern. Einen schönen Tag noch!
| Gern geschehen. Auf Wiederhören!
# Bewertung
> Das ging ja flott, danke 👍
< Vielen Dank, das gebe ich gern weiter.
= Besucher bewertet das Gespräch mit 5 von 5.
# Abbruch
> Entschuldigung, ich muss los. Ich schreibe später noch einmal.
< Kein Problem, jederzeit.
"""

SYSTEM = """
# Start
= Besucher hat den Chat auf der Seite „Kontakt“ geöffnet.
| Wissensbasis: 3 Absätze gefunden.
| Sprache erkannt: Deutsch.
"""

PHONE = """
# Anruf
= Eingehender Anruf von {phone} angenommen.
| Verbunden; Hinweis auf die Aufzeichnung wurde angesagt.
"""

COMMON = """
# Öffnungszeiten
> Wann haben Sie {day} geöffnet?
| Wie sind Ihre Öffnungszeiten?
< Montag bis Freitag von 9 bis 17 Uhr, samstags von 10 bis 14 Uhr.
> Und an Feiertagen?
< Da ist geschlossen. Schreiben können Sie mir trotzdem, am nächsten Werktag antwortet eine Kollegin.
# Mensch gewünscht
> Kann ich bitte mit einem Menschen sprechen?
| So kommen wir nicht weiter. Verbinden Sie mich mit jemandem!
< Natürlich. Unter welcher Nummer erreichen wir Sie?
> {phone}, {name}.
= Übergabe: Rückruf erbeten.
< Danke. Sie werden {day} vor {time} zurückgerufen.
# Beschwerde
> Ich habe schon zweimal geschrieben und keine Antwort bekommen. Das ärgert mich.
< Das tut mir leid. Ich kann Ihren Ärger gut verstehen.
> Und was passiert jetzt?
< Ihre Beschwerde läuft unter {ref}. Sie bekommen innerhalb von zwei Werktagen Antwort an {email}.
# Missverständnis
> Nein, das war nicht meine Frage.
< Entschuldigung, da habe ich Sie falsch verstanden. Können Sie es anders sagen?
> Ich möchte nur meine E-Mail-Adresse ändern: {email}
< Verstanden, {email} ist jetzt hinterlegt.
"""

TOPICS = {}

TOPICS["dental"] = """
# Termin
> Ich hätte gern einen Termin zur Kontrolle.
| Haben Sie {day} noch etwas frei? Ich bräuchte eine Zahnreinigung.
| Mir ist eine Füllung herausgefallen. Kann ich {day} kommen?
< Gern. Waren Sie schon einmal bei uns?
> Ja. {name}, geboren am {date} 1984.
| Nein, ich bin neu. Mein Name ist {name}.
= Kalender geprüft: 3 freie Termine.
< Danke. Ich kann Ihnen {day} um {time} oder um {time2} anbieten.
> {time} passt gut.
| Dann lieber {time2}.
< Eingetragen: {day}, {time}. Die Erinnerung geht an {phone}.
| Eingetragen: {day}, {time2}. Bitte kommen Sie zehn Minuten früher.
# Schmerzen
> Ich habe seit gestern Nacht starke Zahnschmerzen.
< Das tut mir leid. Ist die Wange geschwollen, haben Sie Fieber?
> Etwas geschwollen, kein Fieber.
| Nein, nur Schmerzen.
< Dann kommen Sie bitte heute um {time}, dafür halten wir einen Termin frei.
> Danke, ich bin da. {name}, {phone}.
< Gute Besserung bis dahin!
# Kosten
> Was zahlt die Kasse bei einer Krone?
< Das hängt vom Bonusheft ab, meist 60 bis 75 Prozent der Regelversorgung.
> Und was bleibt für mich übrig?
< Ungefähr {amount} €. Den Heil- und Kostenplan schicken wir an {email}.
"""

TOPICS["hotel"] = """
# Reservierung
> Haben Sie {room} ab dem {date}, zwei Nächte?
| Ich möchte gern {room} für den {date} buchen.
< Ich sehe nach. Wie viele Gäste sind Sie?
> Zwei Erwachsene und ein Kind, sechs Jahre.
| Nur ich.
| Zwei, und ein kleiner Hund. Geht das?
= Verfügbarkeit: 4 Zimmer, bester Preis {amount} €.
< Ja, {room} ist frei, {amount} € pro Nacht mit Frühstück. Soll ich reservieren?
> Ja, bitte auf {name}. Meine Karte ist {card}, 12/29.
| Gern. {name}, {email}.
< Danke! Kartennummern bitte nicht in den Chat schreiben, bezahlt wird bei der Anreise.
| Gebucht unter {ref}. Die Bestätigung geht an {email}.
# Anreise
> Wie komme ich vom Bahnhof zu Ihnen?
< Bus 12 bis „Schloßgasse“, dann zwei Minuten zu Fuß. Ein Taxi kostet etwa 11 €.
> Wir kommen erst nach Mitternacht an.
< Kein Problem, die Nachtglocke ist links neben der Tür.
# Wellness
> Ist die Sauna im Preis dabei?
| Haben Sie ein Schwimmbad?
< Ja, täglich von 7 bis 22 Uhr. Bademäntel liegen im Zimmer.
> Kann ich eine Massage buchen?
< Gern: {day} um {time} oder {time2}, 50 Minuten für {amount} €.
> {time}, auf {name}.
< Ist notiert.
"""

TOPICS["law"] = """
# Erstberatung
> Mir wurde gekündigt. Was kann ich tun?
| Mein Vermieter zahlt die Kaution nicht zurück.
< Ich vereinbare gern eine Erstberatung. Rechtsrat darf ich selbst nicht geben.
> Was kostet das?
< Höchstens {amount} €. Wie heißen Sie, und wer ist die Gegenseite?
> {name}. Die Gegenseite ist die {last} GmbH.
= Kollisionsprüfung: kein Treffer.
< Danke. Frau Brandt hat {day} um {time} Zeit. Bei einer Kündigung läuft eine Frist von drei Wochen.
> Gut, ich komme. Meine Nummer ist {phone}.
< Bitte bringen Sie das Schreiben und den Vertrag mit.
# Sachstand
> Gibt es Neues in meiner Sache {ref}?
< Bitte nennen Sie mir zur Sicherheit Ihr Geburtsdatum.
> {date} 1979
= Anrufer geprüft.
< Danke. Die Gegenseite hat Fristverlängerung beantragt, der Termin am {date} bleibt.
"""

TOPICS["energy"] = """
# Zählerstand
> Ich möchte meinen Zählerstand melden.
| Zähler {ref}: 048{n}2
< Gern. Welche Nummer steht auf dem Zähler, und was zeigt er an?
> Nummer {ref}, Stand 048{n}2.
= Zählerstand übernommen: plausibel.
< Vielen Dank. Die Rechnung ist {day} fertig.
# Abschlag
> Warum ist mein Abschlag auf {amount} € gestiegen?
| Die Rechnung über {amount} € kann nicht stimmen!
< Ich vergleiche das. Wie lautet Ihre Vertragsnummer?
> {ref}, {name}, {street} {n} in {city}.
< Ihr Verbrauch lag 18 Prozent über dem Vorjahr. Der Februar wurde allerdings geschätzt.
> Da waren wir gar nicht zu Hause!
< Dann schicken Sie mir bitte den heutigen Stand, und ich lasse die Rechnung berichtigen.
# Umzug
> Ich ziehe zum {date} um.
< Wohin geht es denn?
> {street} {n}, {city}.
< Danke. Bitte lesen Sie am Umzugstag beide Zähler ab. Die Bestätigung geht an {email}.
# Störung
> In der {street} ist der Strom weg!
< Die Störung ist seit {time} bekannt, der Trupp ist unterwegs.
> Wie lange dauert das?
< Voraussichtlich bis {time2}. Soll ich Ihnen an {phone} Bescheid geben?
> Ja bitte
# Lastschrift
> Ich habe eine neue Bankverbindung: {iban}
< Danke. Bitte tragen Sie sie im Kundenportal ein, hier im Chat wird sie nicht übernommen.
"""

TOPICS["shop"] = """
# Bestellung
> Wo bleibt meine Bestellung {ref}?
| Ich habe {item} vor zehn Tagen bestellt.
< Ich sehe nach. Welche E-Mail-Adresse gehört zur Bestellung?
> {email}
= Shop: Bestellung gefunden, 1 Paket, versandt.
< Das Paket ging gestern auf die Reise und kommt {day} an.
# Rückgabe
> Ich möchte {item} zurückgeben.
< Gern, innerhalb von 30 Tagen. Das Etikett geht an {email}.
> Bekomme ich das Geld zurück?
< Ja, {amount} €, auf dem Weg, auf dem Sie bezahlt haben.
# Empfehlung
> Ich suche ein Geschenk für meine Mutter, sie liest gern Krimis.
< Mag sie es eher gemütlich oder spannend?
> Gemütlich, bitte ohne Blut.
< Dann empfehle ich „Der Kater vom Mühlenweg“, für {amount} €. Soll ich es zurücklegen?
> Ja, auf {last}. Ich hole es {day} ab.
"""
