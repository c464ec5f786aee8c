"""What people say in English, second half: shop, energy, help desk, restaurant, property, insurance."""

TOPICS = {}

TOPICS["shop"] = """
# Where is my order
> I ordered {item} ten days ago and it's still not here.
| Order {ref}, when will it arrive?
< Let me see. May I have the order number, or the e-mail you used?
> {ref}, {email}
= Shop system: order found, 1 parcel, shipped.
< Found it: it was handed to the carrier {day} and should arrive {day2}.
> You said that last week too.
| ok thanks
< I understand. If it's not there {day2}, I refund {money}{amount} without any further question.
# Return
> I bought {item}, but I don't like it. How do I send it back?
| I want to return {item}.
< No problem, within 30 days. Is it unused?
> I tried it on once.
< That's fine. The label goes to {email}. Would you like another size or your money back?
> Money back, please. To the same card, {card}.
< It goes back the way you paid; please don't post card numbers here. It takes up to five days.
# Advice
> I'm looking for {item} as a present. Any recommendations?
< Lovely idea! What would you like to spend?
> Up to {money}{amount}.
| Not too expensive.
< Then I'd take our bestseller; it has 4.8 stars and ships today.
> Do you wrap presents?
< Yes, for {money}4, with a card. What shall we write on it?
> "Happy birthday, {first}!"
< Done, it's in your basket.
"""

TOPICS["energy"] = """
# Meter reading
> I want to report my meter reading.
| Meter {ref}: 048{n}2
< Thank you. Which number is on the meter, and what does it show?
> Number {ref}, it shows 048{n}2.
= Reading accepted: plausible.
< Noted. Your bill will be ready {day}.
# Bill too high
> My bill is {money}{amount}, that can't be right!
| Why did my monthly payment go up?
< Let me compare. May I have your contract number?
> {ref}. Name is {name}.
< Your use was 18 percent higher than last year, mostly between December and February.
> We were away in February!
< Then the estimate is wrong. Please send me the reading of today, and I correct it.
> 048{n}7
= Bill corrected: credit of {money}{amount}.
< Thank you, {first}. You get {money}{amount} back with the next bill.
# Moving
> I'm moving {date}. Can I take my contract with me?
< Yes. What is the new address?
> {street} {n}, {city}. Second floor left.
< Noted. Please read both meters on the day of the move. The confirmation goes to {email}.
# Outage
> The power is out in {street}!
| No electricity since {time}.
< I see an outage in {city}, reported at {time}. The crew is on its way.
> How long?
< We expect to be done by {time2}. Shall I send a message to {phone} when it's back?
> yes
"""

TOPICS["helpdesk"] = """
# No connection
> My {device} doesn't work.
| The {device} is down again. Third time this week.
| I can't connect with my {device}.
< Sorry about that. What light do you see on it, or what does the message say?
> Error 0x80{n}
| It blinks red.
| It says "no connection".
< Please switch it off, wait thirty seconds, and switch it on again.
> Did that already.
| ok, waiting
= Line test started.
| Line test: signal weak between exchange and house.
< Thank you. The test shows a weak signal; a technician can come {day} between {time} and {time2}.
> {day} is fine. {name}, {street} {n}, {phone}.
< Booked. The ticket is {ref}.
# Password
> I forgot my password.
| I'm locked out of my account.
< I can send you a reset link. Which address is on the account?
> {email}
= Reset link sent.
< Sent. The link works for 30 minutes. Nobody from our side will ever ask for your password.
> Got it, it works.
| Nothing has arrived.
< Good. Is there anything else?
| Please look into the spam folder too; otherwise I send it again.
# Slow
> Everything is slow since the update.
| The {device} takes forever.
< Since when exactly, and is it slow for others near you too?
> Since this morning. My colleagues say the same.
< Thank you, that helps: we know of a fault since {time}. It's ticket {ref}.
> Please tell me when it's fixed.
< I'll write to {email}.
# Upgrade
> What would the bigger plan cost?
< {money}{amount} a month, with four times the volume. Shall I change it?
> From when?
< From the first of the month, without a gap.
> Do it.
= Plan change recorded.
< Done. The confirmation goes to {email}.
"""

TOPICS["restaurant"] = """
# Table
> A table for four {day} at {time}?
| Do you have a table for two tonight?
< Let me look ... yes, we have one by the window. Under which name?
> {name}, {phone}.
< Thank you, {first}. We hold the table for fifteen minutes.
> One of us is allergic to nuts.
< Noted. The kitchen will know; I'd suggest {dish}, made without nuts.
# Takeaway
> Can I order {dish} to go?
| I'd like {dish} and a salad.
< Of course. It's ready at {time}. That's {money}{amount}.
> Can I pay by card? {card}
< Gladly, at the counter. Please don't send card numbers here.
# Party
> We'd like to celebrate a birthday with 25 people {date}.
< How nice! We have a room for up to thirty. Menu or buffet?
> Buffet, half vegetarian. Around {money}{amount} altogether.
< That works. I'll send a proposal to {email}.
"""

TOPICS["property"] = """
# Viewing
> Is {home} still available?
| I'd like to see {home}.
< Yes, it is. There are viewings {day} at {time} and {time2}.
> {time}, please. {name}, {phone}.
< You're on the list. Please bring proof of income.
> How much is it with everything?
< {money}{amount} a month, heating included; deposit two months.
# Repair
> The heating doesn't work in {home}.
| Water is coming through the ceiling!
< I'm sorry. Is it urgent, is anything getting damaged?
> It's 15 degrees in here and we have a baby.
| Yes, it drips on the floor.
= Emergency contractor informed.
< Somebody comes today at {time}. Please be reachable at {phone}.
> ok
# Contract
> I want to end my lease on {date}.
< The notice period is two months. Please sign the letter we send to {email}.
> And the deposit? {money}{amount}
< It comes back within six weeks after handing over the keys.
"""

TOPICS["insurance"] = """
# Claim
> I had an accident with the car.
| Somebody drove into my parked car.
< I hope nobody is hurt. When and where did it happen?
> Yesterday around {time}, {street} in {city}. Nobody is hurt.
< Good. May I have your policy number?
> {ref}, {name}.
= Claim opened.
< Thank you, {first}. Please send photos and the other driver's plate to the link at {email}.
> Do I get a rental car?
< Yes, for up to ten days, from any partner garage.
# Cover
> Does my policy cover water damage?
| Am I insured if I work from {city} for three months?
< Yes, up to {money}{amount}000, with {money}300 to be paid by you.
> Where does it say so?
< In section 4.2 of your terms. I can send them to {email}.
# Cancel
> I want to cancel my policy {ref}.
< I'm sorry to hear that. May I ask why?
> Too expensive. My neighbor pays {money}{amount} less.
< I could lower yours by taking out the glass cover. Would that help?
> No, please cancel.
| OK, let's try that.
< Understood. The confirmation goes to {email}.
# Identification
> You asked me for a document. Which one?
< A copy of your ID, please through the upload link only.
> My SSN is {ssn}, isn't that enough?
< Thank you, but please don't send it here. The upload is all we need.
"""
