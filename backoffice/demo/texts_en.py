"""What people say in English, first half: everyday turns, dentist, parcels, hotel, law, bank.

How these texts are written: `texts.py`. Every person, number and card in them is fictional.
"""

POOLS = {
    "day": [
        "tomorrow",
        "on Monday",
        "on Tuesday",
        "on Wednesday",
        "next Thursday",
        "on Friday",
        "this Saturday",
    ],
    "time": ["8:15", "9:30", "10:00", "11:45", "1:20 pm", "2:30 pm", "3:45 pm", "5 pm"],
    "date": ["March 3", "April 18", "May 22", "June 9", "July 14", "August 27", "October 5", "December 12"],
    "city": ["Portland", "Oakdale", "Bristol", "Leeds", "Dublin", "Springfield", "Fairview", "Perth"],
    "street": ["Maple Street", "Station Road", "Hill Lane", "Orchard Avenue", "Harbor Drive", "Mill Road"],
    "money": ["$"],
    "item": ["a green rain jacket", "the walnut lamp", "running shoes", "a cast-iron pan", "the blue kettle"],
    "room": ["a double room", "a twin room", "a sea-view room", "the family suite", "a quiet single room"],
    "dish": ["the mushroom risotto", "a Margherita", "the sea bass", "two lasagnas", "the tasting menu"],
    "device": ["router", "laptop", "set-top box", "phone", "VPN client", "printer"],
    "home": [
        "the two-bedroom on Hill Lane",
        "the loft at the harbor",
        "the house with the garden",
        "Unit 12B",
    ],
}

OPENINGS = """
# Greeting
< Hello, this is {agent} of {org}. How can I help you today?
| Welcome to {org}! I'm {agent}, the virtual assistant. What can I do for you?
| Good day, you have reached {org}. What is it about?
> Hi, good morning.
| Hello there.
| Hi, is this a real person?
< Good to hear from you. I'm an assistant, and I can bring in a colleague at any time.
| Hello! Tell me in one sentence what you need.
# Straight to it
> Hi
| hello??
| Hey, quick question
< Hi! Go ahead.
| Hello, I'm listening.
"""

CLOSINGS = """
# Friendly end
> Great, that's all. Thank you!
| Perfect, thanks for your help.
| ok thx bye
< You're welcome. Have a good day!
| My pleasure. Is there anything else?
| Thank you for contacting {org}. Goodbye!
# Rated
> That was quick, thanks a lot 👍
| Good service, better than waiting in a queue.
< Thank you, I'll pass that on to the team.
= Visitor rated the conversation 5 of 5.
| Visitor rated the conversation 4 of 5.
# Breaks off
> hm, I have to go, I'll write again later
| sorry, somebody at the door
< No problem, write whenever you like.
"""

SYSTEM = """
# Start
= Visitor opened the chat on the page "Contact".
| Visitor returned after 3 days; earlier conversation not loaded.
| Knowledge base: 2 passages found.
| Language detected: English.
"""

PHONE = """
# Call
= Incoming call from {phone} answered.
| Call connected; the caller was told that the line is recorded.
| Transferred from the main menu, option 2.
"""

COMMON = """
# Opening hours
> When are you open {day}?
| What are your hours? It doesn't say on the website.
< We are open from 9 to 17 on weekdays, and from 10 to 14 on Saturdays.
> And on public holidays?
< We are closed then. You can still write to me, and a colleague answers on the next working day.
# Wants a person
> Can I talk to a real person please?
| This isn't helping. Give me a human.
| agent. AGENT. representative!!
< Of course. May I have a number where a colleague can reach you?
> It's {phone}, ask for {first}.
= Handed over to a colleague: callback requested.
< Thank you, {first}. Somebody will call you back {day} before {time}.
# Misunderstanding
> No, that's not what I asked.
| You got that wrong, read again.
< I'm sorry, I misunderstood. Could you say it in other words?
> I only want to change the e-mail address you have for me. It is {email} now.
< Understood. I have noted {email} as your new address.
# Complaint
> I wrote twice already and nobody answered. I'm not happy.
| This is the third time I explain this!
< I'm sorry about that, {first}. I can see why you are annoyed.
> So what happens now?
< I have opened a complaint under {ref}. You get an answer within two working days at {email}.
| I passed it on with priority, reference {ref}. You will hear from us {day}.
"""

TOPICS = {}

TOPICS["dental"] = """
# Booking
> I'd like to book a check-up.
| Do you have anything free {day}? I need a cleaning.
| My crown came off, can somebody see me {day}?
< Certainly. Are you a patient with us already?
| Let me look. May I have your full name and date of birth?
> Yes. {name}, born {date} 1984.
| No, first time. My name is {name}.
= Calendar checked: 3 openings found.
< Thank you, {first}. I can offer {day} at {time} or at {time2}.
> {time} works.
| Could I have {time2}?
< Booked. You will get a reminder at {phone}. Please come ten minutes early.
| Done: {day}, {time2}. If you cannot come, please tell us a day before.
# Toothache
> My tooth has been hurting since last night and it's getting worse.
| I have a terrible toothache, what should I do?
< I'm sorry to hear that. Is your face swollen, or do you have a fever?
> A little swollen, no fever.
| No, just the pain.
< Then please come in today. We keep a slot for emergencies at {time}.
> Can I take ibuprofen until then?
< Ask your doctor or pharmacist if you take other medicine. Cooling from outside helps many people.
> OK, I'll be there at {time}. I'm {name}, {phone}.
< Thank you, {first}, we are expecting you.
# Insurance question
> Does my insurance pay for the implant?
| Do you take Lakeside Health?
< We bill most insurers directly. May I have your member number?
> I don't have it here. My social security number is {ssn}, does that help?
< Please don't send that number here, we don't need it. The group number on your card is enough.
> Ah ok. It's {ref}.
< Thank you. Your plan pays about half of an implant, up to {money}{amount} a year.
| I have noted {ref}; our billing desk will write to {email}.
"""

TOPICS["parcel"] = """
# Tracking
> Where is my parcel? The number is {ref}.
| tracking {ref}
| I'm waiting for parcel {ref} since last week, any news?
< One moment, I'm looking up {ref}.
= Tracking service answered in 412 ms.
| Tracking service: status "out for delivery".
< Your parcel left the depot in {city} this morning and arrives {day} before {time}.
| It is in {city} and will be delivered {day}, between {time} and {time2}.
> Nobody is home then. Can you leave it with the neighbor?
| Can it go to a pick-up point instead?
< Of course. Which name is on the neighbor's door?
| Yes, the nearest one is {street} 14 in {city}. Shall I change it?
> {last}, second floor.
| Yes please.
< Changed. You get a message at {email} as soon as it is delivered.
# Damaged
> My parcel arrived completely crushed.
| The box was open and something is missing!
< I'm sorry. What was in it, and roughly what was it worth?
> {item}, about {money}{amount}.
< Thank you. Please keep the packaging, and take two photos.
> Where do I send them?
< Just reply to the mail we are sending to {email}. Your case is {ref}.
# Address wrong
> I gave you the wrong address for {ref}!
| Can I still change the delivery address?
< As long as the parcel has not left the depot, yes. What is the right address?
> {name}, {street} {n}, {city}.
= Address checked: deliverable.
< Changed to {street} {n}, {city}. Delivery moves to {day}.
> Does that cost anything?
< No, the first change is free.
# Customs
> It says my shipment is held at customs. Why?
< The sender did not attach an invoice. Could you upload one, or tell me the value?
> It was a present, worth about {money}{amount}.
< Then a short declaration is enough; the form is on its way to {email}.
> How long will it take?
< Usually two working days after we have the form.
"""

TOPICS["hotel"] = """
# Reservation
> Do you have {room} free from {date}, two nights?
| I'd like to book {room} for {date}.
| What does {room} cost around {date}?
< Let me check. How many guests will there be?
> Two adults and a child of six.
| Just me.
| Two, and a small dog. Is that a problem?
= Availability: 4 rooms, best rate {money}{amount}.
< We have {room} for {money}{amount} a night with breakfast. Shall I hold it for you?
> Yes, for {name}. My card is {card}, 12/29.
| Please. The name is {name}, {email}.
< Thank you, {first}. Please don't send card numbers in the chat; we take payment at arrival.
| Booked under {ref}. The confirmation goes to {email}.
> When can we check in?
< From 3 pm. You can leave your luggage earlier.
# Late arrival
> My flight is late, I will arrive after midnight. Is the reception open?
| We'll be there around 1 am, booking {ref}.
< Thank you for telling us. The night bell is to the left of the door, somebody is always in.
> Is there a train from the airport that late?
< The last one leaves at 0:35. A taxi costs about {money}{amount}.
# Amenities
> Is there parking?
| Do you have a pool?
| Is breakfast included, and is there something vegan?
< Yes. Parking is {money}18 a night, the pool is open from 7 to 22, and breakfast has a vegan corner.
> And how is the wifi? I have to work.
< Fast enough for video calls in every room, and free.
# Lost property
> I left my glasses in room {n}. Black frame.
| I think I forgot a charger in the room {day}.
< I have asked housekeeping. Where can we reach you?
> {email} or {phone}.
= Task created for housekeeping.
< Thank you, {first}. You will hear from us {day} at the latest.
"""

TOPICS["law"] = """
# First consultation
> I was fired last week and need advice.
| My landlord is keeping my deposit. Can you help?
| I got a letter from a debt collector and I don't owe anything.
< I can arrange a first consultation. I'm an assistant and cannot give legal advice myself.
> OK. What does it cost?
< The first thirty minutes are {money}{amount}. May I have your name, and the name of the other party?
> {name}. The other side is {last} Holdings.
= Conflict check: no match.
< Thank you. Ms. Finch has time {day} at {time}, here or by video.
> By video, please. My e-mail is {email}.
< Booked. Please bring the letter, the contract, and anything with a date on it.
# Case status
> Is there any news about my case {ref}?
| Did the court answer? File {ref}.
< For your protection, please tell me your date of birth and the last four digits of your phone number.
> {date} 1979, 0142.
= Caller verified.
< Thank you. The other side asked for two more weeks; the hearing is still on {date}.
> So I don't have to do anything?
< Not for now. Mr. Harrow writes to you as soon as their answer is here.
# Documents
> Where do I send the signed form?
< By post to {street} {n}, or upload it with the link in our mail. It needs your signature on page 3.
> My social security number {ssn} is on it, is a mail safe enough?
< Better use the upload link; it is encrypted. Please don't write the number here.
> Done, uploaded.
< Received, 4 pages. Thank you, {first}.
"""

TOPICS["bank"] = """
# Card blocked
> My card doesn't work any more.
| I lost my card, please block it!
| There is a payment on my card that I did not make.
< I'm sorry. Let's take care of it at once. Which card is it?
> {card}
| The one ending in 1111.
< Thank you. Only the last four digits are needed, please never send the whole number.
> OK. What now?
= Card ending 1111 blocked at the caller's request.
< The card is blocked. A new one is sent to {street} {n}, {city}, and arrives within five days.
> And the {money}{amount} somebody took?
< I opened a dispute, {ref}. You get the amount back for the time being, within ten days.
# Balance
> What is my balance?
| Did my salary arrive?
< I have to make sure it's you first. What is your full name, and the code we just sent to {phone}?
> {name}, code 40{n}.
= Identity confirmed by one-time code.
< Thank you, {first}. Your current account stands at {money}{amount}; the last booking is of {day}.
| Yes, {money}{amount} came in {day}.
# Loan
> I want to borrow {money}{amount}000 for a car. What would it cost per month?
< Over five years it is about 2 percent of the sum a month, depending on your rating. Shall I make an offer?
> Yes. I earn well and have no debts.
< Gladly. For an offer I need your income and employer. An adviser can call you {day} at {time}.
> OK, {phone}. But only after {time2}.
< Noted: {name}, {phone}, after {time2}.
# Transfer fails
> My transfer to account {iban} was refused. Why?
< The name does not match the account. Please compare it with the invoice.
> It says {last} Ltd. there.
< Then use exactly that spelling and try again. Nothing was debited.
> Now it worked.
"""
